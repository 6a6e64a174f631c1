import { readdirSync } from "node:fs"
import { join } from "node:path"
import { didYouMean } from "../src/core/suggest.js"
import { NoSplitError } from "./faults.js"
import { isFolder } from "./folder.js"

/** What splits are called in the names of folders and files, in lower case. */
export const splitAliases: ReadonlyMap<string, string> = new Map([
  ["train", "train"],
  ["training", "train"],
  ["val", "val"],
  ["valid", "val"],
  ["validation", "val"],
  ["test", "test"],
  ["testing", "test"],
])

/** What a split is usually called; a name that is none of those stays as it is. */
export const usualSplit = (name: string): string => splitAliases.get(name.toLowerCase()) ?? name

/** A split of a source that is divided into folders. */
export interface SplitFolder {
  readonly split: string
  readonly path: string
}

/** The folders of splits in a source that hold what is looked for. */
export function splitFolders(source: string, holds: (folder: string) => boolean): SplitFolder[] {
  if (!isFolder(source)) return []
  return readdirSync(source)
    .sort()
    .flatMap((name) => {
      const split = splitAliases.get(name.toLowerCase())
      const path = join(source, name)
      return split !== undefined && isFolder(path) && holds(path) ? [{ split, path }] : []
    })
}

/**
 * The paths of a split among all there are.
 * @throws NoSplitError when there is none
 */
export function pathsOfSplit(all: readonly SplitFolder[], split: string, source: string): string[] {
  const asked = split === "trainval" ? ["train", "val"] : [usualSplit(split)]
  const found = all.filter((one) => asked.includes(one.split)).map(({ path }) => path)
  if (found.length > 0) return found
  const names = all.map((one) => one.split)
  throw new NoSplitError(`No split "${split}" in ${source}.${didYouMean(split, names)} There: ${names.join(", ")}`)
}
