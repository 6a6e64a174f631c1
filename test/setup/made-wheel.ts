import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { strToU8, zipSync } from "fflate"

/** Writes a wheel with these texts into a folder. */
export function makeWheel(
  folder: string,
  files: Record<string, string>,
  name = "tensorflow-2.21.0-cp311-cp311-any.whl",
): string {
  const file = join(folder, name)
  writeFileSync(file, zipSync(Object.fromEntries(Object.entries(files).map(([key, text]) => [key, strToU8(text)]))))
  return file
}
