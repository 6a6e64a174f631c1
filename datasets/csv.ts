import { readdirSync } from "node:fs"
import { basename, dirname, join, relative, resolve, sep } from "node:path"
import { CsvHeader, headings } from "../src/core/csv-columns.js"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { numberOfText } from "../src/json/quoted-number.js"
import { classDescriptions, listedClasses } from "./csv-classes.js"
import { csvRows, readCsvRows } from "./csv-rows.js"
import type { Dataset } from "./dataset.js"
import { FaultLog, NoSplitError, withPolicies } from "./faults.js"
import { isFile, isFolder, isPictureName, withoutEnding } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { fileHeader, uprightSize } from "./image/file-size.js"
import { type NamedObject, type NamedObjects, namedDataset } from "./named-images.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { pathsOfSplit, splitAliases, splitFolders } from "./split-folders.js"
import { readHead } from "./text.js"

/** Which column holds what. */
interface Columns {
  readonly path: number
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number]
  readonly name: number
  readonly width: number | undefined
  readonly height: number | undefined
  /** Open Images: whether the box is around a group. */
  readonly group: number | undefined
  /** Whether the first line names the columns. */
  readonly hasHeader: boolean
  /** One of these that stands twice. */
  readonly twice: string | undefined
}

/** Where boxes lie when not in the folder itself; the images are beside it then. */
const boxFolders = ["labels", "annotations"]

/** True for what `readCsv` reads. */
export function isCsv(source: string): boolean {
  if (isFile(source)) return isBoxFile(source)
  return isFolder(source) && (csvFiles(source).length > 0 || splitFolders(source, holdsCsv).length > 0)
}

/** A folder's files of boxes; `classes.csv` and others are none. */
function csvFiles(folder: string): string[] {
  for (const place of [folder, ...boxFolders.map((name) => join(folder, name))].filter(isFolder)) {
    const files = readdirSync(place)
      .filter((name) => /\.csv$/i.test(name))
      .sort()
      .map((name) => join(place, name))
      .filter(isBoxFile)
    if (files.length > 0) return files
  }
  return []
}

const holdsCsv = (folder: string) => csvFiles(folder).length > 0

function isBoxFile(path: string): boolean {
  if (!/\.csv$/i.test(path) || !isFile(path)) return false
  try {
    return columnsOf(csvRows(readHead(path), 1)) !== undefined
  } catch {
    return false
  }
}

/**
 * Reads CSV files with a box a line: `path,x1,y1,x2,y2,class` as in keras-retinanet, with or without a line that names the
 * columns, TensorFlow's `filename,width,height,class,xmin,ymin,xmax,ymax`, or Open Images'
 * `ImageID,...,LabelName,...,XMin,XMax,YMin,YMax,...,IsGroupOf,...`, whose groups are crowds and whose labels get the names of
 * `class-descriptions*.csv`. `<split>.csv`, a file with the split in its name or one in `<split>/` is a split's; a file alone
 * is not divided. Corners are pixels from 0, or parts of the image where all of a file's lie between 0 and 1. A line without a box
 * is an image without objects.
 * @throws DataError when the split is missing, or a policy says so
 */
export function readCsv(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const options = withDefaults("readCsv", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const root = isFile(source) ? dirname(resolve(source)) : resolve(source)
  const { paths, undivided } = filesOf(source, root, options.split)
  const notices: string[] = []
  const found = paths.flatMap((path) => readFile(path, root, options, log, notices))
  const described = classDescriptions([
    ...new Set([root, ...paths.flatMap((path) => [dirname(path), dirname(dirname(path))])]),
  ])
  const { split } = options
  const about = { format: "csv", source, split, notices, undivided } as const
  if (described === undefined) {
    const listed = listedClasses(root)
    return namedDataset(found, { ...about, ...(listed && { listed }) }, options, log)
  }
  notices.push(`the names of the classes are those of ${relative(root, described.path)}; their ids are the labels`)
  const nameOf = (label: string) => described.names.get(label) ?? label
  const images = found.map((image) => ({
    ...image,
    objects: image.objects.map((object) => ({ ...object, name: nameOf(object.name) })),
  }))
  const ids = new Map([...described.names].map(([label, name]) => [name, label]))
  return namedDataset(images, { ...about, ids }, options, log)
}

function filesOf(source: string, root: string, split: string): { paths: string[]; undivided: boolean } {
  if (isFile(source)) return { paths: [resolve(source)], undivided: true }
  const files = csvFiles(root)
  const folders = files.length === 0 ? splitFolders(root, holdsCsv) : []
  if (folders.length > 0) return { paths: pathsOfSplit(folders, split, source).flatMap(csvFiles), undivided: false }
  const splitsOf = (path: string) =>
    basename(path)
      .toLowerCase()
      .split(/[^a-z]+/)
      .map((word) => splitAliases.get(word))
  if (files.length === 1 && splitsOf(files[0]!)[0] === undefined) return { paths: files, undivided: true }
  const asked = split === "trainval" ? ["train", "val"] : [split]
  const isAsked = (path: string) => {
    const known = splitsOf(path).find((one) => one !== undefined)
    return asked.includes(known ?? withoutEnding(basename(path)))
  }
  const paths = files.filter(isAsked)
  if (paths.length > 0) return { paths, undivided: false }
  throw new NoSplitError(`No split "${split}" in ${source}. There: ${files.map((path) => basename(path)).join(", ")}`)
}

type OpenImage = { -readonly [Key in keyof NamedObjects]: NamedObjects[Key] } & { objects: NamedObject[] }

function readFile(path: string, root: string, options: ReadOptions, log: FaultLog, notices: string[]): OpenImage[] {
  const where = relative(root, path).split(sep).join("/")
  const rows = readCsvRows(path)
  const columns = columnsOf(rows)
  if (columns === undefined) throw new DataError(`${path}: expected the columns path, x1, y1, x2, y2 and class`)
  if (columns.twice !== undefined) throw new DataError(`${path}: the column "${columns.twice}" stands twice. Leave one`)
  const folder = dirname(path)
  const beside = folder !== root && boxFolders.includes(basename(folder).toLowerCase()) ? dirname(folder) : folder
  const finder = new FolderFiles(options.images ?? beside, {
    within: options.images ?? root,
    followLinks: options.followLinks,
  })
  const ofSplit = splitFolders(finder.root, () => true).filter(({ split }) => split === options.split)
  const folders = ofSplit.map((one) => basename(one.path))
  const images = new Map<string, OpenImage>()
  const byFile = new Map<string, OpenImage>()
  const missing = new Set<string>()
  for (const [index, row] of rows.entries()) {
    if (index === 0 && columns.hasHeader) continue
    const name = row[columns.path]!
    if (missing.has(name)) continue
    let image = images.get(name)
    if (image === undefined) {
      let file = findImage(finder, folders, name, where)
      if (file === undefined) {
        if (log.report("missing-image", where, `${name} is missing`, index) !== "kept") {
          missing.add(name)
          continue
        }
        file = join(finder.root, name)
      }
      const side = (at: number | undefined) => (at === undefined ? 0 : numberOfText(row[at] ?? "") || 0)
      // Another spelling of a name that was read before, such as one without its ending, is the same image.
      const size = { width: side(columns.width), height: side(columns.height) }
      image = byFile.get(file) ?? { id: idOf(name), file, ...size, where, objects: [] }
      byFile.set(file, image)
      images.set(name, image)
    }
    const texts = columns.box.map((at) => row[at] ?? "")
    const label = row[columns.name] ?? ""
    if (texts.every((text) => text === "") && label === "") continue
    const box = texts.map(numberOfText) as unknown as NamedObject["box"]
    const isGroup = columns.group !== undefined && row[columns.group] === "1"
    if (label === "") log.report("broken-annotation", where, "the line names no class", index)
    else image.objects.push({ index, name: label, box, ...(isGroup && { crowd: true }) })
  }
  notices.push(...finder.notices())
  const read = [...byFile.values()]
  const boxes = read.flatMap(({ objects }) => objects.map(({ box }) => box))
  if (boxes.length === 0 || !boxes.every((box) => box.every((value) => value >= 0 && value <= 1))) return read
  notices.push(`${where}: all ${boxes.length} boxes lie between 0 and 1: they are read as parts of the image`)
  return read.flatMap((image) => inPixels(image, log))
}

/** An image whose boxes are parts of it; left out where its size cannot be told. */
function inPixels(image: OpenImage, log: FaultLog): OpenImage[] {
  const { width, height } = sizeOf(image)
  if (image.objects.length > 0 && !(width > 0 && height > 0)) {
    log.report("unreadable-image", image.where, `the size of ${image.id} is not known, which its boxes are parts of`)
    return []
  }
  const objects = image.objects.map(({ box: [x1, y1, x2, y2], ...object }) => ({
    ...object,
    box: [x1 * width, y1 * height, x2 * width, y2 * height] as const,
  }))
  return [{ ...image, width, height, objects }]
}

/** The file's own size, else the annotated one. */
function sizeOf({ file, width, height }: OpenImage): { readonly width: number; readonly height: number } {
  try {
    const header = fileHeader(file)
    return header === undefined ? { width, height } : uprightSize(header)
  } catch {
    return { width, height }
  }
}

const idOf = (name: string) =>
  (isPictureName(name) ? withoutEnding(name) : name).replaceAll("\\", "/").replace(/^(\.?\/)+/, "")

/** In the split's folder, beside the file, or in a folder `images`, whichever part of the path is there. */
function findImage(finder: FolderFiles, folders: readonly string[], name: string, where: string): string | undefined {
  const ofSplit = folders.map((folder) => `${folder}/${idOf(name)}`).find((stem) => finder.hasImage(stem))
  if (ofSplit !== undefined) return finder.findImage(ofSplit, where)
  try {
    return finder.findEnding(name, where) ?? finder.findImage(withoutEnding(name), where)
  } catch (error) {
    if (error instanceof DataError && error.message.includes("file name"))
      return finder.findImage(withoutEnding(basename(name.replaceAll("\\", "/"))), where)
    throw error
  }
}

function columnsOf(rows: readonly (readonly string[])[]): Columns | undefined {
  const [first] = rows
  if (first === undefined) return undefined
  const header = new CsvHeader(first)
  const path = header.place(headings.image)
  const name = header.place(headings.label, path)
  const box = header.places([headings.x1, headings.y1, headings.x2, headings.y2])
  if (path !== undefined && name !== undefined && box !== undefined) {
    const [width, height, group] = [["width"], ["height"], ["isgroupof"]].map((one) => header.place(one))
    return { path, name, box, width, height, group, hasHeader: true, twice: header.twice }
  }
  const isBox =
    first.length === 6 && first.slice(1, 5).every((text) => text === "" || Number.isFinite(numberOfText(text)))
  if (!isBox || !isPictureName(first[0]!)) return undefined
  return {
    path: 0,
    box: [1, 2, 3, 4],
    name: 5,
    width: undefined,
    height: undefined,
    group: undefined,
    hasHeader: false,
    twice: undefined,
  }
}
