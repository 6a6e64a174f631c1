import { basename, dirname, join } from "node:path"
import { DataError } from "../src/core/errors.js"
import { shown } from "../src/core/shown.js"
import { FaultLog, NoSplitError } from "./faults.js"
import { isFile, isFolder, isImageName, withoutEnding } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { type Devkit, readDevkit } from "./ilsvrc-devkit.js"
import { hasClassFolders } from "./image-folder.js"
import { type LabelledPhoto, type LabelledPhotos, labelledPhotos } from "./labelled-photos.js"
import { type LabelledOptions, labelledDefaults } from "./labelled-set.js"
import { withArchive } from "./tar/bytes.js"
import { type TarEntry, tarEntries } from "./tar/entries.js"

/** The archives as they are given out. @source image-net.org, ILSVRC 2012, which torchvision's `ImageNet` expects by these names */
const archives: Readonly<Record<string, string>> = {
  train: "ILSVRC2012_img_train.tar",
  val: "ILSVRC2012_img_val.tar",
}

const classArchive = /^(n\d{8})\.tar$/

/** A validation image's name; its number is that of its line in the ground truth. */
const numbered = /^ILSVRC2012_val_(\d{8})\.jpe?g$/i

/**
 * Whether a source has a split of ImageNet's classification data as they are given out: its archive, or validation images that are
 * not sorted into classes.
 */
export function isIlsvrc(source: string, split: string): boolean {
  if (isFile(source)) return Object.values(archives).includes(basename(source))
  if (!isFolder(source) || hasClassFolders(source, split)) return false
  const names = new FolderFiles(source).names()
  return names.includes(archives[split] ?? "") || (split === "val" && flatImages(source).length > 0)
}

const flatImages = (source: string) =>
  new FolderFiles(join(source, "val")).names().filter((name) => numbered.test(name))

/**
 * Reads ImageNet's classification data without unpacking them: `ILSVRC2012_img_train.tar`, an archive of an archive for each
 * class, and `ILSVRC2012_img_val.tar`, or its images in `val/`, with the development kit's ground truth. Classes are the WordNet ids,
 * sorted: the order of torchvision's networks, and not the kit's.
 * @param source the folder with the archives, or one of them
 * @throws DataError for archives or a kit that are broken or do not belong together
 */
export function readIlsvrc(source: string, overrides: Partial<LabelledOptions> = {}): LabelledPhotos {
  const { split, classes, followLinks } = { ...labelledDefaults, ...overrides }
  const root = isFile(source) ? dirname(source) : source
  const name = archives[split]
  const given = isFile(source) ? basename(source) : name
  if (name === undefined || given !== name) {
    const other = isFile(source) ? `, ${basename(source)} is another` : ""
    throw new NoSplitError(`${source}: no split "${split}": expected train or val${other}`)
  }
  const files = new FolderFiles(root, { followLinks })
  const how = { source, split, wanted: classes, archive: files.has(name) ? files.find(name, source) : undefined }
  return split === "train" ? readTraining(how) : readValidation(root, files, how)
}

interface How {
  readonly source: string
  readonly split: string
  readonly wanted: readonly string[] | null
  /** Path of the split's archive; undefined: the images lie in a folder. */
  readonly archive: string | undefined
}

function readTraining({ source, split, wanted, archive }: How): LabelledPhotos {
  if (archive === undefined) throw new NoSplitError(`${source}: no ${archives.train}`)
  const found = withArchive(archive, (bytes) => {
    const inner: { readonly wnid: string; readonly files: readonly TarEntry[] }[] = []
    for (const { name, at, size } of tarEntries(bytes)) {
      const wnid = classArchive.exec(basename(name))?.[1]
      if (wnid === undefined)
        throw new DataError(`${archive}: expected an archive for each class, got "${shown(name)}"`)
      if (inner.some((one) => one.wnid === wnid)) throw new DataError(`${archive}: "${wnid}" is in it twice`)
      const files = [...tarEntries(bytes, { begin: at, end: at + size })].filter((file) => isImageName(file.name))
      if (files.length === 0) throw new DataError(`${archive}: no images of class "${wnid}"`)
      inner.push({ wnid, files })
    }
    return inner.sort((a, b) => (a.wnid < b.wnid ? -1 : 1))
  })
  const classes = wanted ?? found.map(({ wnid }) => wnid)
  const log = new FaultLog()
  const images: LabelledPhoto[] = []
  for (const { wnid, files } of found) {
    const label = classes.indexOf(wnid)
    if (label < 0) {
      log.report("unknown-class", `${wnid}.tar`, `the class "${wnid}" is not among those asked for`)
      continue
    }
    for (const part of files) images.push({ name: `${wnid}/${part.name}`, label, file: archive, part })
  }
  return labelledPhotos({ format: "ilsvrc", source, split, classes }, images, log)
}

function readValidation(root: string, files: FolderFiles, { source, split, wanted, archive }: How): LabelledPhotos {
  const kit = readDevkit(root, files)
  const found = archive === undefined ? photosIn(root, files, source) : photosOf(archive)
  const classes = wanted ?? kit.classes
  const labels = new Map(classes.map((name, label) => [name, label]))
  const log = new FaultLog()
  const images: LabelledPhoto[] = []
  for (const { number, ...place } of found.sort((a, b) => a.number - b.number)) {
    const { name } = place
    const wnid = classOf(number, kit, name)
    const label = labels.get(wnid)
    if (label !== undefined) images.push({ ...place, label })
    else log.report("unknown-class", name, `its class ${wnid} is not among those asked for`)
  }
  return labelledPhotos({ format: "ilsvrc", source, split, classes, notices: [kit.notice] }, images, log)
}

/** A validation image and the number in its name. */
interface NumberedPhoto extends Omit<LabelledPhoto, "label"> {
  readonly number: number
}

function classOf(number: number, { truths, path }: Devkit, name: string): string {
  const wnid = truths[number - 1]
  if (wnid !== undefined) return wnid
  throw new DataError(
    `${path}: has ${truths.length} lines, so that "${name}" has no class. Is it the kit of these images?`,
  )
}

function photosOf(archive: string): NumberedPhoto[] {
  return withArchive(archive, (bytes) => {
    const seen = new Set<number>()
    return [...tarEntries(bytes)].map((entry) => {
      const name = basename(entry.name)
      const number = Number(numbered.exec(name)?.[1] ?? Number.NaN)
      if (Number.isNaN(number)) {
        throw new DataError(
          `${archive}: expected images called ILSVRC2012_val_00000001.JPEG, got "${shown(entry.name)}"`,
        )
      }
      if (seen.has(number)) throw new DataError(`${archive}: "${name}" is in it twice`)
      seen.add(number)
      return { name, number, file: archive, part: entry }
    })
  })
}

function photosIn(root: string, files: FolderFiles, source: string): NumberedPhoto[] {
  return flatImages(root).map((name) => {
    const file = files.find(`val/${name}`, source) ?? join(root, "val", name)
    return { name: `val/${name}`, number: Number(withoutEnding(name).slice(-8)), file }
  })
}
