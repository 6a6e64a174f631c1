import { readFileSync } from "node:fs"
import { DataError } from "../core/errors.js"

/**
 * Names of classes from a file, one a line, or as they are given.
 * @throws DataError for another number of them, one twice, or a file that cannot be read
 */
export function classNames(given: string | readonly string[], count: number): readonly string[] {
  const [where, names] = typeof given === "string" ? [given, readNames(given)] : ["classes", given]
  if (names.length !== count || names.includes("")) {
    throw new DataError(`${where}: expected ${count} class names, one a line, got ${names.filter(Boolean).length}`)
  }
  const twice = names.find((name, k) => names.indexOf(name) !== k)
  if (twice !== undefined) throw new DataError(`${where}: class "${twice}" appears twice. Give each class its own name`)
  return names
}

/** One a line. @throws DataError for a file that cannot be read */
export function readNames(file: string): string[] {
  try {
    const lines = readFileSync(file, "utf8").trimEnd().split(/\r?\n/)
    return lines.map((name) => name.trim())
  } catch (error) {
    throw new DataError(`${file}: cannot read the class names (${(error as NodeJS.ErrnoException).code})`)
  }
}
