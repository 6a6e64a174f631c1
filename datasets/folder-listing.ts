import type { Dirent } from "node:fs"
import { join } from "node:path"
import { isFolder } from "./folder.js"

/** The entries of one folder. */
export interface Listing {
  readonly entries: ReadonlyMap<string, Dirent>
  /** Names by what is alike in them. */
  alike(): ReadonlyMap<string, readonly string[]>
}

export function listing(found: readonly Dirent[]): Listing {
  let alike: Map<string, string[]> | undefined
  return {
    entries: new Map(found.map((entry) => [entry.name, entry])),
    alike() {
      if (alike !== undefined) return alike
      alike = new Map()
      for (const { name } of found) {
        const key = fold(name)
        const same = alike.get(key)
        if (same) same.push(name)
        else alike.set(key, [name])
      }
      return alike
    },
  }
}

/** What is the same in names that differ in case or Unicode form alone. */
export const fold = (name: string) => name.normalize("NFC").toLowerCase()

export const byCode = (a: string, b: string) => (a < b ? -1 : 1)

/** Finder's and the archiver's companions of real files. */
export const isMacExtra = (name: string) => name.startsWith("._") || name === "__MACOSX" || name === ".DS_Store"

export function isFolderEntry(entry: Dirent, folder: string): boolean {
  return entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name)))
}
