import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { makeFolder } from "../../core/write-whole.js"

/** Where runs of one kind go unless they are told otherwise. */
export function runsOf(kind: string): string {
  return join("runs", kind)
}

/**
 * Makes the folder a run writes to: `given`, or the first of `runs/<kind>/<name>1`, `2`, ... that is not there. Two runs
 * that start at once get two folders.
 * @param kind such as `detect` or `train`
 */
export function makeRunFolder(kind: string, given?: string | undefined, name = kind): string {
  if (given !== undefined) {
    makeFolder(given)
    return given
  }
  const parent = runsOf(kind)
  makeFolder(parent)
  for (let n = 1; ; n++) {
    const folder = join(parent, `${name}${n}`)
    try {
      mkdirSync(folder)
      return folder
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    }
  }
}
