import { readdirSync } from "node:fs"
import { basename, dirname, isAbsolute, join, resolve } from "node:path"
import { DataError } from "../src/core/errors.js"
import { didYouMean } from "../src/core/suggest.js"
import { NoSplitError } from "./faults.js"
import { expectInside, isFile, isFolder, isImageName } from "./folder.js"
import { splitAliases } from "./split-folders.js"
import { readLines } from "./text.js"

/** Where a VOC data set's files lie. */
export interface VocFolder {
  /** `VOC2007`; what faults and notices call it. */
  readonly name: string
  readonly path: string
  readonly annotations: string
  readonly images: string
  /** The folder of the lists, if there is one. */
  readonly lists: string | undefined
  /** The split that all of it is, where splits are folders. */
  readonly split: string | undefined
}

/**
 * The folders of a source: one with `JPEGImages/` and `Annotations/` (or `images/` and `annotations/` with XML files, in any
 * case), a `VOCdevkit` with such, several joined with `+`, folders `train/`, `valid/`, `test/` with XML files beside the images,
 * or one such folder.
 * @throws DataError when one of them is none
 */
export function vocFolders(source: string): VocFolder[] {
  const names = isFolder(source) ? [source] : source.split("+")
  const base = dirname(resolve(names[0]!))
  const folders = names.flatMap((name) => {
    const near = isFolder(name) || isAbsolute(name) ? resolve(name) : join(base, name)
    const found = foldersIn(near)
    if (found.length > 0) return found
    throw new DataError(`No VOC data in ${name}: expected a folder with JPEGImages/ and Annotations/, or a VOCdevkit`)
  })
  return [...new Map(folders.map((folder) => [folder.annotations, folder])).values()]
}

/** Whether there is VOC data in a folder, or below it. */
export const holdsVoc = (folder: string): boolean => foldersIn(resolve(folder)).length > 0

/** Whether a folder is one of VOC data itself. */
export const isVocFolder = (folder: string): boolean => isFolder(folder) && vocFolder(resolve(folder)) !== undefined

function foldersIn(folder: string): VocFolder[] {
  if (!isFolder(folder)) return []
  const own = vocFolder(folder)
  if (own !== undefined) return [own]
  const devkit = isFolder(join(folder, "VOCdevkit")) ? join(folder, "VOCdevkit") : folder
  const inside = entriesOf(devkit)
    .map((name) => join(devkit, name))
    .filter(isFolder)
  const years = inside.flatMap((path) => vocFolder(path) ?? [])
  const isSplit = ({ path }: VocFolder) => splitAliases.has(basename(path).toLowerCase())
  const beside = [
    ...years,
    ...inside
      .filter((path) => splitAliases.has(basename(path).toLowerCase()))
      .flatMap((path) => besideFolder(path) ?? []),
  ]
  if (beside.length > 0) {
    return beside.map((found) =>
      isSplit(found) ? { ...found, split: splitAliases.get(basename(found.path).toLowerCase())! } : found,
    )
  }
  return [besideFolder(folder) ?? []].flat()
}

function vocFolder(path: string): VocFolder | undefined {
  const entries = entriesOf(path)
  const like = (names: readonly string[]) =>
    names.flatMap((name) => entries.find((entry) => entry.toLowerCase() === name) ?? [])[0]
  const [annotations, images] = [like(["annotations"]), like(["jpegimages", "images"])]
  if (annotations === undefined || images === undefined) return undefined
  if (!isFolder(join(path, annotations)) || !isFolder(join(path, images))) return undefined
  const isUsual = annotations === "Annotations" && images === "JPEGImages"
  if (!isUsual && !holdsXml(join(path, annotations))) return undefined
  const lists = [join(path, "ImageSets", "Main"), join(path, "ImageSets")].find((folder) => listsIn(folder).length > 0)
  return {
    name: basename(path),
    path,
    annotations: join(path, annotations),
    images: join(path, images),
    lists,
    split: undefined,
  }
}

/** XML files beside the images. */
function besideFolder(path: string): VocFolder | undefined {
  const entries = entriesOf(path)
  if (!entries.some(isXml) || !entries.some(isImageName)) return undefined
  return { name: basename(path), path, annotations: path, images: path, lists: undefined, split: undefined }
}

const isXml = (name: string) => /\.xml$/i.test(name) && !name.startsWith("._")

function holdsXml(folder: string, depth = 3): boolean {
  const entries = entriesOf(folder)
  if (entries.some(isXml)) return true
  return depth > 0 && entries.some((name) => isFolder(join(folder, name)) && holdsXml(join(folder, name), depth - 1))
}

const entriesOf = (folder: string): string[] => (isFolder(folder) ? readdirSync(folder).sort() : [])

const listsIn = (folder: string): string[] =>
  entriesOf(folder).filter((name) => name.endsWith(".txt") && !name.startsWith("._"))

/** The names of a folder's lists. */
function listNames({ lists }: VocFolder): string[] {
  return lists === undefined ? [] : listsIn(lists).map((name) => name.slice(0, -4))
}

/** Whether all of it is what any split asks for. */
export function isUndivided(folder: VocFolder): boolean {
  if (folder.split !== undefined) return false
  const names = listNames(folder)
  return names.length === 0 || (names.length === 1 && isNoSplit(names[0]!))
}

/** What label tools call a list of everything. */
const isNoSplit = (name: string) => ["default", "all", "images"].includes(name.toLowerCase())

/** The list files of a split; VoTT has one for each class only. */
function listFiles(folder: VocFolder, split: string): string[] {
  const names = listNames(folder)
  const at = (name: string) => join(folder.lists!, `${name}.txt`)
  const one = [split, ...(split === "val" ? ["valid"] : [])].find((name) => names.includes(name))
  if (one !== undefined) return [at(one)]
  if (split === "trainval" && names.includes("train") && names.includes("val")) return [at("train"), at("val")]
  if (names.length === 1 && isNoSplit(names[0]!)) return [at(names[0]!)]
  const plain = names.some((name) => splitAliases.has(name) || name === "trainval")
  return plain ? [] : names.filter((name) => name.endsWith(`_${split}`)).map(at)
}

/** Whether a folder has a split. */
export function hasSplit(folder: VocFolder, split: string): boolean {
  if (folder.split !== undefined) return folder.split === split || (split === "trainval" && folder.split !== "test")
  return listNames(folder).length === 0 || listFiles(folder, split).length > 0
}

/**
 * The lines of a split's lists; undefined where there are no lists.
 * @throws NoSplitError for a split that is not there
 */
export function listedLines(folder: VocFolder, split: string): string[] | undefined {
  expectInside(split, "split")
  if (!hasSplit(folder, split)) throw noSplit([folder], split)
  if (listNames(folder).length === 0) return undefined
  const files = listFiles(folder, split)
  const lines = files.flatMap((file) => (isFile(file) ? readLines(file) : []))
  // Each of VoTT's lists has all images, with a flag of its class behind them.
  const isVott = files.length > 0 && files.every((file) => basename(file).endsWith(`_${split}.txt`))
  return isVott ? [...new Set(lines.map(withoutFlag))] : lines
}

/** A line of a list without the flag of its class behind the name. */
export const withoutFlag = (line: string): string => line.replace(/(?<!\s)\s+(-1|0|1)$/, "")

export function noSplit(folders: readonly VocFolder[], split: string): NoSplitError {
  const names = folders.flatMap((folder) => (folder.split === undefined ? listNames(folder) : [folder.split]))
  const short = names.slice(0, 12).join(", ") + (names.length > 12 ? ", ..." : "")
  return new NoSplitError(
    `No split "${split}" in ${folders[0]!.lists ?? dirname(folders[0]!.path)}.${didYouMean(split, names)} There: ${short}`,
  )
}
