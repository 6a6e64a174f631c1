import { print } from "./report.js"

/** The first three of what a file lacks or has otherwise, and how many more there are. */
export function firstThree(faults: readonly string[]): string {
  const more = faults.length > 3 ? ` and ${faults.length - 3} more` : ""
  return faults.slice(0, 3).join(", ") + more
}

/** Says which of a file's tensors the model has no place for. */
export function printLeftOut(names: readonly string[]): void {
  if (names.length === 0) return
  print(`left out ${names.length}: ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", ..." : ""}`)
}
