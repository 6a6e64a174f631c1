import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { DataError } from "../core/errors.js"

/**
 * The text files of a folder by name, in order of their names. Node only.
 * @param pattern which names
 * @throws DataError when the folder cannot be read or has no such file
 */
export async function readTextFiles(
  folder: string,
  pattern: RegExp,
  expected: string,
): Promise<{ name: string; text: string }[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`${folder}: expected a folder, got ${error.code ?? error.message}`)
  })
  const chosen = names.filter((name) => pattern.test(name)).sort()
  if (chosen.length === 0)
    throw new DataError(`${folder}: expected ${expected}, got none among ${names.length} entries`)
  return Promise.all(chosen.map(async (name) => ({ name, text: await readFile(join(folder, name), "utf8") })))
}
