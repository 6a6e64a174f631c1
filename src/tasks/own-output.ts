import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from "node:fs"
import { basename, dirname, join, resolve, sep } from "node:path"
import type { z } from "zod"
import { isFolder, isPictureName } from "../../datasets/folder.js"
import { UsageError, unlessBroken } from "../core/errors.js"
import { expectPlace, makeFolder, writeWhole } from "../core/write-whole.js"
import { weightsIn } from "../weights/run-weights.js"
import { type Tree, valueAt } from "./explain.js"
import { declaredOptions, flagName } from "./option.js"

/**
 * @param names files and folders that are about to be written in a folder
 * @throws UsageError where one of them is there already: it would be lost
 */
export function expectNone(folder: string, names: readonly string[], cure = "Choose another --out"): void {
  const found = names.find((name) => existsSync(join(folder, name)))
  if (found !== undefined) throw new UsageError(`${folder} has ${found} already: nothing is overwritten. ${cure}`)
}

/** Options whose folders hold annotations. */
const dataFolders: readonly string[] = ["data", "gt", "images"]

/** Whether a file in such a folder is of the data; reports and results that were written there are made anew. */
function isOfData(file: string): boolean {
  if (!file.toLowerCase().endsWith(".json")) return /\.(xml|txt|csv|ya?ml|tar|zip|bin|mat)$/i.test(file)
  return /"(annotations|file_name|imagePath|shapes|_via_img_metadata)"\s*:/.test(beginningOf(file))
}

/**
 * @param options as `schema` has them
 * @param further files that are written too, by their option's name
 * @param operands options without a flag
 * @throws UsageError where a file that is to be written is one that another option names, or lies in a folder of the user's data,
 *   or is a picture: it would be lost; and for `-` where no file goes to stdout. Of a folder in a file's place whoever writes it
 *   tells
 */
export function expectOtherFiles(
  schema: z.ZodType,
  options: object,
  further: Readonly<Record<string, string>> = {},
  operands: readonly string[] = [],
): void {
  const declared = declaredOptions(schema).filter(({ info }) => info.path !== undefined)
  const named = declared.flatMap(({ key, info }) =>
    [valueAt(options as Tree, key.split("."))].flat().flatMap((value) => {
      if (typeof value !== "string") return []
      const paths = info.path === "joined" ? value.split("+") : [value]
      return paths.map((path) => ({ key, path, isWritten: info.written === true }))
    }),
  )
  const nameless = named.find(({ path, isWritten }) => isWritten && path === "-")
  if (nameless !== undefined) throw new UsageError(`--${flagName(nameless.key)} -: expected the name of a file`)
  const also = Object.entries(further).map(([key, path]) => ({ key, path, isWritten: true }))
  const all = [...named, ...also].filter(({ path }) => path !== "-")
  const files = all.flatMap((one) => {
    // Of a folder without weights whoever reads it tells.
    const path = (one.key === "weights" ? unlessBroken(() => weightsIn(one.path)) : undefined) ?? one.path
    return isFolder(path) ? [] : [{ ...one, file: realFile(path) }]
  })
  const called = (key: string) => (operands.includes(key) ? `<${flagName(key)}>` : `--${flagName(key)}`)
  const folders = all.filter(({ key, path }) => dataFolders.includes(key) && isFolder(path))
  for (const { key, path, file } of files.filter(({ isWritten }) => isWritten)) {
    const other = files.find((one) => one.key !== key && one.file === file)
    const lost = (what: string) =>
      new UsageError(`--${flagName(key)} ${path}: this is ${what}, which would be lost. Choose another`)
    if (other !== undefined) throw lost(`the file of ${called(other.key)}`)
    if (!existsSync(file)) continue
    if (isPictureName(file)) throw lost("a picture")
    const around = folders.find((one) => file.startsWith(`${realpathSync(one.path)}${sep}`))
    if (around !== undefined && isOfData(file)) throw lost(`a file of the data of ${called(around.key)}`)
  }
}

/** The first 64 KB of a file as text. */
function beginningOf(file: string): string {
  const handle = openSync(file, "r")
  try {
    const bytes = Buffer.alloc(65_536)
    return bytes.toString("utf8", 0, readSync(handle, bytes))
  } finally {
    closeSync(handle)
  }
}

/** Links followed as far as the path exists. */
function realFile(path: string): string {
  const folder = dirname(resolve(path))
  if (existsSync(path)) return realpathSync(path)
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path))
}

/** Says which command has made a folder whose files it may replace. */
const markName = ".made-by-resdet"

/**
 * Makes a folder whose files a command replaces when it is called again: one that is new, or empty, or that it has made.
 * @param command such as `dataset view`
 * @throws UsageError where the folder holds anything else, which could be lost
 */
export function claimFolder(folder: string, command: string): void {
  const mark = join(folder, markName)
  expectPlace(mark)
  if (existsSync(mark) && readFileSync(mark, "utf8").trim() === command) return
  const other = existsSync(folder) ? readdirSync(folder).find((name) => !name.startsWith(".")) : undefined
  if (other !== undefined) {
    const what = `${folder} holds ${other}, which could be overwritten: only folders that ${command} has made are used again`
    throw new UsageError(`${what}. Choose a new or an empty folder by --out`)
  }
  makeFolder(folder)
  writeWhole(mark, `${command}\n`)
}
