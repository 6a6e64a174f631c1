import { readdirSync } from "node:fs"
import { basename, dirname, join, relative, resolve, sep } from "node:path"
import { parse } from "csv-parse/sync"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import type { Dataset } from "./dataset.js"
import { FaultLog, NoSplitError, withPolicies } from "./faults.js"
import { isFile, isFolder, isPictureName, withoutEnding } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { type NamedObject, type NamedObjects, namedDataset } from "./named-images.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { pathsOfSplit, splitAliases, splitFolders } from "./split-folders.js"
import { readHead, readText } from "./text.js"

/** Which column holds what. */
interface Columns {
  readonly path: number
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number]
  readonly name: number
  readonly width: number | undefined
  readonly height: number | undefined
  /** Whether the first line names the columns. */
  readonly hasHeader: boolean
}

/** What columns are called, in lower case. */
const headings = {
  path: ["path", "filename", "file", "image", "image_path", "img", "imageid", "image_id"],
  x1: ["x1", "xmin", "x_min", "left"],
  y1: ["y1", "ymin", "y_min", "top"],
  x2: ["x2", "xmax", "x_max", "right"],
  y2: ["y2", "ymax", "y_max", "bottom"],
  name: ["class", "label", "class_name", "name", "category"],
} as const

/** True for what `readCsv` reads. */
export function isCsv(source: string): boolean {
  if (isFile(source)) return isBoxFile(source)
  return isFolder(source) && (csvFiles(source).length > 0 || splitFolders(source, holdsCsv).length > 0)
}

/** A folder's files of boxes; `classes.csv` and others are none. */
function csvFiles(folder: string): string[] {
  const files = readdirSync(folder)
    .filter((name) => /\.csv$/i.test(name))
    .sort()
    .map((name) => join(folder, name))
  return files.filter(isBoxFile)
}

const holdsCsv = (folder: string) => csvFiles(folder).length > 0

function isBoxFile(path: string): boolean {
  if (!/\.csv$/i.test(path) || !isFile(path)) return false
  try {
    return columnsOf(rowsOf(readHead(path), 1)) !== undefined
  } catch {
    return false
  }
}

/**
 * Reads CSV files with a box a line: `path,x1,y1,x2,y2,class` as in keras-retinanet, with or without a line that names the
 * columns, or TensorFlow's `filename,width,height,class,xmin,ymin,xmax,ymax`. `<split>.csv`, `<split>_labels.csv` or a file in
 * `<split>/` is a split's; a file alone is not divided. Corners are pixels from 0; a line without a box is an image without objects.
 * @throws DataError when the split is missing, or a policy says so
 */
export function readCsv(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const options = withDefaults("readCsv", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const root = isFile(source) ? dirname(resolve(source)) : resolve(source)
  const { paths, undivided } = filesOf(source, root, options.split)
  const notices: string[] = []
  const images = paths.flatMap((path) => readFile(path, root, options, log, notices))
  const listed = listedClasses(root)
  const { split } = options
  return namedDataset(
    images,
    { format: "csv", source, split, notices, undivided, ...(listed && { listed }) },
    options,
    log,
  )
}

function filesOf(source: string, root: string, split: string): { paths: string[]; undivided: boolean } {
  if (isFile(source)) return { paths: [resolve(source)], undivided: true }
  const files = csvFiles(root)
  const folders = files.length === 0 ? splitFolders(root, holdsCsv) : []
  if (folders.length > 0) return { paths: pathsOfSplit(folders, split, source).flatMap(csvFiles), undivided: false }
  const splitOf = (path: string) => splitAliases.get(/^([a-z]+)/.exec(basename(path).toLowerCase())?.[1] ?? "")
  if (files.length === 1 && splitOf(files[0]!) === undefined) return { paths: files, undivided: true }
  const asked = split === "trainval" ? ["train", "val"] : [split]
  const paths = files.filter((path) => asked.includes(splitOf(path) ?? withoutEnding(basename(path))))
  if (paths.length > 0) return { paths, undivided: false }
  throw new NoSplitError(`No split "${split}" in ${source}. There: ${files.map((path) => basename(path)).join(", ")}`)
}

/** keras-retinanet's list of classes: `name,number`. */
function listedClasses(root: string): string[] | undefined {
  const path = join(root, "classes.csv")
  if (!isFile(path)) return undefined
  const rows = rowsOf(readText(path)).filter(([, number]) => /^\d+$/.test(number ?? ""))
  return [...new Set(rows.sort((a, b) => Number(a[1]) - Number(b[1])).map(([name]) => name!))]
}

function readFile(path: string, root: string, options: ReadOptions, log: FaultLog, notices: string[]): NamedObjects[] {
  const where = relative(root, path).split(sep).join("/")
  const rows = rowsOf(readText(path))
  const columns = columnsOf(rows)
  if (columns === undefined) throw new DataError(`${path}: expected the columns path, x1, y1, x2, y2 and class`)
  const finder = new FolderFiles(options.images ?? dirname(path), {
    within: options.images ?? root,
    followLinks: options.followLinks,
  })
  const images = new Map<
    string,
    { -readonly [Key in keyof NamedObjects]: NamedObjects[Key] } & { objects: NamedObject[] }
  >()
  const missing = new Set<string>()
  for (const [index, row] of rows.entries()) {
    if (index === 0 && columns.hasHeader) continue
    const name = row[columns.path]!
    if (missing.has(name)) continue
    let image = images.get(name)
    if (image === undefined) {
      let file = findImage(finder, name, where)
      if (file === undefined) {
        if (log.report("missing-image", where, `${name} is missing`, index) !== "kept") {
          missing.add(name)
          continue
        }
        file = join(finder.root, name)
      }
      const side = (at: number | undefined) => (at === undefined ? 0 : Number(row[at]) || 0)
      image = { id: idOf(name), file, width: side(columns.width), height: side(columns.height), where, objects: [] }
      images.set(name, image)
    }
    const texts = columns.box.map((at) => row[at] ?? "")
    const label = row[columns.name] ?? ""
    if (texts.every((text) => text === "") && label === "") continue
    const box = texts.map((text) => (text === "" ? Number.NaN : Number(text))) as unknown as NamedObject["box"]
    if (label === "") log.report("broken-annotation", where, "the line names no class", index)
    else image.objects.push({ index, name: label, box })
  }
  notices.push(...finder.notices())
  const boxes = [...images.values()].flatMap(({ objects }) => objects.map(({ box }) => box))
  if (boxes.length > 0 && boxes.every((box) => box.every((value) => value >= 0 && value <= 1))) {
    throw new DataError(
      `${path}: all ${boxes.length} boxes lie between 0 and 1: they look like parts of the image. Write pixels`,
    )
  }
  return [...images.values()]
}

const idOf = (name: string) =>
  (isPictureName(name) ? withoutEnding(name) : name).replaceAll("\\", "/").replace(/^(\.?\/)+/, "")

/** Beside the file, or in a folder `images`, whichever part of the path is there. */
function findImage(finder: FolderFiles, name: string, where: string): string | undefined {
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
  const called = first.map((text) => text.trim().toLowerCase())
  const at = (names: readonly string[]) => called.findIndex((text) => names.includes(text))
  const { path, name } = { path: at(headings.path), name: at(headings.name) }
  const box = [at(headings.x1), at(headings.y1), at(headings.x2), at(headings.y2)] as const
  const side = (column: string) => (called.includes(column) ? called.indexOf(column) : undefined)
  if (path >= 0 && name >= 0 && box.every((one) => one >= 0)) {
    return { path, name, box, width: side("width"), height: side("height"), hasHeader: true }
  }
  const isBox = first.length === 6 && first.slice(1, 5).every((text) => text === "" || Number.isFinite(Number(text)))
  if (!isBox || !isPictureName(first[0]!)) return undefined
  return { path: 0, box: [1, 2, 3, 4], name: 5, width: undefined, height: undefined, hasHeader: false }
}

/** The rows of a CSV text; a semicolon or tab separates where the first line has no comma. */
function rowsOf(text: string, most?: number): string[][] {
  const firstLine = /^[^\r\n]*/.exec(text)![0]
  const delimiter = [",", ";", "\t"].find((mark) => firstLine.includes(mark)) ?? ","
  return parse(text, {
    delimiter,
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    ...(most && { to: most }),
  })
}
