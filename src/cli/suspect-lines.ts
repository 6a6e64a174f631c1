import type { Suspect } from "../eval/suspects.js"

/** What is suspected of a label, in words. */
export function suspectLine({ kind, imageName, labelled, found, suspicion }: Suspect): string {
  const what = {
    missing: `${found} without a label`,
    class: `labelled ${labelled}, looks like ${found}`,
    spurious: `labelled ${labelled}, nothing found`,
  }[kind]
  return `${imageName}: ${what} (${(suspicion * 100).toFixed(1)})`
}
