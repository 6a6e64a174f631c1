import { readdirSync } from "node:fs"
import { join } from "node:path"
import { readCsvRows } from "./csv-rows.js"
import { isFile, isFolder } from "./folder.js"

/** keras-retinanet's list of classes, `classes.csv` with lines `name,number`: the names in the order of their numbers. */
export function listedClasses(root: string): string[] | undefined {
  const path = join(root, "classes.csv")
  if (!isFile(path)) return undefined
  const rows = readCsvRows(path).filter(([, number]) => /^\d+$/.test(number ?? ""))
  if (rows.length === 0) return undefined
  return [...new Set(rows.sort((a, b) => Number(a[1]) - Number(b[1])).map(([name]) => name!))]
}

/** Names of classes by their labels, and the file that tells them. */
export interface ClassDescriptions {
  readonly path: string
  /** Such as `Cat` by `/m/01yrx`. */
  readonly names: ReadonlyMap<string, string>
}

/**
 * Open Images' names of its labels: lines `/m/01yrx,Cat` in a file `class-descriptions*.csv` or `classes.csv` of one of the folders,
 * or of their `metadata/`.
 */
export function classDescriptions(folders: readonly string[]): ClassDescriptions | undefined {
  for (const folder of folders.flatMap((one) => [one, join(one, "metadata")]).filter(isFolder)) {
    for (const name of readdirSync(folder).sort()) {
      if (!/class-descriptions.*\.csv$|^classes\.csv$/i.test(name)) continue
      const path = join(folder, name)
      const rows = readCsvRows(path).filter(([label, called]) => label?.startsWith("/") && called)
      if (rows.length > 0) return { path, names: new Map(rows.map(([label, called]) => [label!, called!])) }
    }
  }
  return undefined
}
