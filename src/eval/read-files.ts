import { readdir, readFile } from "node:fs/promises"
import { join, sep } from "node:path"
import { DataError } from "../core/errors.js"

/**
 * The text files of a folder by name, in order of their names. Node only.
 * @param pattern which names
 * @param where `below`: also those in folders below, whose names have the folders in front, with `/`
 * @throws DataError when the folder cannot be read or has no such file
 */
export async function readTextFiles(
  folder: string,
  pattern: RegExp,
  expected: string,
  where: "here" | "below" = "here",
): Promise<{ name: string; text: string }[]> {
  const found = await readdir(folder, { recursive: where === "below" }).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`${folder}: expected a folder, got ${error.code ?? error.message}`)
  })
  const names = found.map((name) => name.split(sep).join("/"))
  const chosen = names.filter((name) => pattern.test(name.slice(name.lastIndexOf("/") + 1))).sort()
  if (chosen.length === 0)
    throw new DataError(`${folder}: expected ${expected}, got none among ${names.length} entries`)
  return Promise.all(chosen.map(async (name) => ({ name, text: await readFile(join(folder, name), "utf8") })))
}
