import { type Dirent, readdirSync } from "node:fs"
import { join } from "node:path"
import { DataError } from "../src/core/errors.js"
import { FaultLog, NoSplitError } from "./faults.js"
import { isFolder, isImageName, isPictureName } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { foreignPicture } from "./image/foreign.js"
import { type LabelledPhoto, type LabelledPhotos, labelledPhotos } from "./labelled-photos.js"
import { type LabelledOptions, labelledDefaults } from "./labelled-set.js"

/** The split of a folder that is not divided: whichever is asked for, all of it is given. */
export const wholeSplit = "all"

/** Whether a folder holds folders with images, or splits of such. */
export function isImageFolder(source: string): boolean {
  return (
    isFolder(source) &&
    (splitsIn(source).length > 0 || foldersIn(source).some((name) => holdsImages(join(source, name))))
  )
}

/**
 * Reads images that lie in a folder for each class: `<source>/<split>/<class>/**`, or `<source>/<class>/**` where there
 * are no splits (the set's split is then `all`). The classes are the folders' names, sorted.
 * A class that is not among `classes` is an `unknown-class` fault, and left out.
 * @throws DataError for a class without images, or a link that leads out of the folder
 */
export function readImageFolder(source: string, overrides: Partial<LabelledOptions> = {}): LabelledPhotos {
  const { split, classes: wanted, followLinks } = { ...labelledDefaults, ...overrides }
  const splits = splitsIn(source)
  if (splits.length > 0 && !splits.includes(split)) {
    if (isFolder(join(source, split))) {
      throw new NoSplitError(`${join(source, split)}: expected a folder for each class with its images, found none`)
    }
    throw new NoSplitError(`${source}: no split "${split}". There are: ${splits.join(", ")}`)
  }
  const within = splits.length > 0 ? split : ""
  const found = foldersIn(join(source, within))
  if (found.length === 0) throw new DataError(`${join(source, within)}: expected a folder for each class, found none`)
  const classes = wanted ?? found
  const log = new FaultLog()
  const finder = new FolderFiles(source, { followLinks })
  if (within !== "") finder.find(within, source)
  const photos: LabelledPhoto[] = []
  for (const name of found) {
    const label = classes.indexOf(name)
    const folder = within === "" ? name : `${within}/${name}`
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
  const set = { format: "folder", source, split: splits.length > 0 ? split : wholeSplit, classes } as const
  return labelledPhotos(set, photos, log)
}

/** Folders of a source which hold class folders themselves, by the usual names. */
function splitsIn(source: string): string[] {
  return ["train", "val", "test"].filter((name) => hasClassFolders(source, name))
}

/** Whether a split of a source is a folder with folders in it. */
export function hasClassFolders(source: string, split: string): boolean {
  return foldersIn(join(source, split)).length > 0
}

/** Names of the folders in a folder, sorted by code unit on every machine; hidden ones are no classes. */
function foldersIn(folder: string): string[] {
  if (!isFolder(folder)) return []
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name))))
    .map(({ name }) => name)
}

function holdsImages(folder: string): boolean {
  return entriesOf(folder).some((entry) =>
    entry.isDirectory() ? holdsImages(join(folder, entry.name)) : isImageName(entry.name),
  )
}

/** An image's path below a class's folder, none of whose parts is hidden. */
const isShownImage = (path: string) => isImageName(path) && !/(^|\/)\./.test(path)

function entriesOf(folder: string): Dirent[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."))
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}
