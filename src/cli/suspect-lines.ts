import { shown } from "../core/shown.js"
import type { Suspect } from "../eval/suspects.js"

/** What is suspected of a label, in words. */
export function suspectLine({ kind, imageName, labelled, found, suspicion }: Suspect): string {
  const what = {
    missing: `${shown(found ?? "")} without a label`,
    class: `labelled ${shown(labelled ?? "")}, looks like ${shown(found ?? "")}`,
    spurious: `labelled ${shown(labelled ?? "")}, nothing found`,
  }[kind]
  return `${shown(imageName)}: ${what} (${(suspicion * 100).toFixed(1)})`
}
