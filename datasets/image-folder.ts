import { type Dirent, readdirSync } from "node:fs"
import { basename, join } from "node:path"
import { DataError } from "../src/core/errors.js"
import { firstFew } from "../src/core/shown.js"
import { FaultLog, NoSplitError } from "./faults.js"
import { isFolder, isImageName, isPictureName } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { foreignPicture } from "./image/foreign.js"
import { type LabelledPhoto, type LabelledPhotos, labelledPhotos } from "./labelled-photos.js"
import { type LabelledOptions, labelledDefaults } from "./labelled-set.js"
import { type SplitFolder, splitAliases, splitFolders } from "./split-folders.js"

/** The split of a folder that is not divided: whichever is asked for, all of it is given. */
export const wholeSplit = "all"

/** Whether a folder holds folders with images, or splits of such. */
export function isImageFolder(source: string): boolean {
  return splitsIn(source).length > 0 || foldersIn(source).some((name) => holdsImages(join(source, name)))
}

/**
 * Reads images that lie in a folder for each class: `<source>/<split>/<class>/**`, the split as `splitAliases` has it, or
 * `<source>/<class>/**` where there are no splits (the set's split is then `all`). The classes are the folders' names, sorted.
 * A class that is not among `classes` is an `unknown-class` fault, and left out.
 * @throws DataError for a class without images, or a link that leads out of the folder
 */
export function readImageFolder(source: string, overrides: Partial<LabelledOptions> = {}): LabelledPhotos {
  const { split, classes: wanted, followLinks } = { ...labelledDefaults, ...overrides }
  const splits = splitsIn(source)
  const parts = splits.length > 0 ? partsOf(splits, split, source) : [""]
  const folders = parts.flatMap((part) =>
    foldersIn(join(source, part)).map((name) => ({ name, folder: part === "" ? name : `${part}/${name}` })),
  )
  const found = [...new Set(folders.map(({ name }) => name))].sort()
  if (found.length === 0) throw new DataError(`${source}: expected a folder for each class, found none`)
  const classes = wanted ?? found
  const log = new FaultLog()
  const finder = new FolderFiles(source, { followLinks })
  for (const part of parts) if (part !== "") finder.find(part, source)
  const photos: LabelledPhoto[] = []
  for (const { name, folder } of folders) {
    const label = classes.indexOf(name)
    if (label < 0) {
      log.report("unknown-class", folder, `the class "${name}" is not among those asked for`)
      continue
    }
    // For its complaint about a link that leads out.
    finder.find(folder, source)
    const files = finder.below(folder)
    const images = files.filter((path) => isShownImage(path) && finder.find(path, source) !== undefined)
    for (const path of files.filter((one) => isPictureName(one) && !isImageName(one))) {
      const kind =
        foreignPicture(join(source, path)) ?? "pictures of its kind are not decoded: convert it to JPEG or PNG"
      log.report("unreadable-image", path, kind)
    }
    if (images.length === 0) {
      throw new DataError(`${join(source, folder)}: no images of class "${name}". Add some, or remove the folder`)
    }
    for (const name of images) photos.push({ name, label, file: join(source, name) })
  }
  const notices = splits.length > 0 ? leftOut(splits, source) : []
  const set = { format: "folder", source, split: splits.length > 0 ? split : wholeSplit, classes, notices } as const
  return labelledPhotos(set, photos, log)
}

/**
 * Folders of a source which hold class folders themselves, by the usual names. One with images of its own beside others
 * with such is a class of that name.
 */
function splitsIn(source: string): SplitFolder[] {
  const found = splitFolders(source, holdsFolders)
  const ofClasses = found.filter(({ path }) => !holdsImages(path, "here"))
  if (ofClasses.length === found.length) return found
  return foldersBeside(source).some((name) => holdsImages(join(source, name), "here")) ? ofClasses : found
}

/** Names of the folders of a split. @throws NoSplitError where there is none */
function partsOf(splits: readonly SplitFolder[], split: string, source: string): string[] {
  const found = splits.filter((one) => one.split === split)
  if (found.length > 0) return found.map(({ path }) => basename(path))
  const flat = splitFolders(source, () => true).find((one) => one.split === split)
  if (flat !== undefined) {
    throw new NoSplitError(`${flat.path}: expected a folder for each class with its images, found none`)
  }
  const names = [...new Set(splits.map((one) => one.split))].join(", ")
  const others = leftOut(splits, source).map((line) => `. ${line}`)
  throw new NoSplitError(`${source}: no split "${split}". There are: ${names}${others.join("")}`)
}

/** A line that tells of images beside the splits, where there are some. */
function leftOut(splits: readonly SplitFolder[], source: string): string[] {
  const others = foldersBeside(source).filter((name) => holdsImages(join(source, name)))
  if (others.length === 0) return []
  const names = splits.map(({ path }) => basename(path)).join(", ")
  return [
    `${source}: images in ${firstFew(others)} are left out: they lie beside the splits in ${names}. Rename a class that is called like a split`,
  ]
}

/** Folders that are not called like a split. */
const foldersBeside = (source: string) => foldersIn(source).filter((name) => !splitAliases.has(name.toLowerCase()))

/** Whether a split of a source is a folder with folders in it. */
export function hasClassFolders(source: string, split: string): boolean {
  return splitFolders(source, holdsFolders).some((one) => one.split === split)
}

const holdsFolders = (folder: string) => foldersIn(folder).length > 0

/** Names of the folders in a folder, sorted by code unit on every machine; hidden ones are no classes. */
function foldersIn(folder: string): string[] {
  if (!isFolder(folder)) return []
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name))))
    .map(({ name }) => name)
}

function holdsImages(folder: string, where: "here" | "below" = "below"): boolean {
  return entriesOf(folder).some((entry) =>
    entry.isDirectory() ? where === "below" && holdsImages(join(folder, entry.name)) : isImageName(entry.name),
  )
}

/** An image's path below a class's folder, none of whose parts is hidden. */
const isShownImage = (path: string) => isImageName(path) && !/(^|\/)\./.test(path)

function entriesOf(folder: string): Dirent[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."))
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}
