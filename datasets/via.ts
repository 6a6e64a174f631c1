import { readdirSync } from "node:fs"
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path"
import { CsvHeader } from "../src/core/csv-columns.js"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { csvRows, readCsvRows } from "./csv-rows.js"
import type { Dataset } from "./dataset.js"
import { circleBox, extentOf } from "./extent.js"
import { FaultLog, withPolicies } from "./faults.js"
import { isFile, isFolder, withoutEnding } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { type NamedObject, type NamedObjects, namedDataset } from "./named-images.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { pathsOfSplit, splitFolders } from "./split-folders.js"
import { readHead, readText } from "./text.js"

/** True for what `readVia` reads. */
export function isVia(source: string): boolean {
  return isFile(source)
    ? isViaFile(source)
    : isFolder(source) &&
        (viaFile(source) !== undefined || splitFolders(source, (folder) => viaFile(folder) !== undefined).length > 0)
}

const viaFile = (folder: string) =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .find(isViaFile)

function isViaFile(path: string): boolean {
  const ending = extname(path).toLowerCase()
  if (![".json", ".csv"].includes(ending) || !isFile(path)) return false
  try {
    if (ending === ".csv") return columnsOf(csvRows(readHead(path), 1)) !== undefined
    // Not more than its head of a file that may be large and COCO's.
    if (!/"(regions|_via_settings|_via_img_metadata)"/.test(readHead(path))) return false
    return Object.values(entriesOf(path)).every(
      (entry) => typeof fields(entry).filename === "string" && "regions" in fields(entry),
    )
  } catch {
    return false
  }
}

/** The images of an annotation export, or of a project file. */
function entriesOf(path: string): Readonly<Record<string, unknown>> {
  if (extname(path).toLowerCase() === ".csv") return entriesOfCsv(path)
  const content = fields(JSON.parse(readText(path)))
  return fields(content._via_img_metadata ?? content)
}

/** The columns of the export as CSV: a region a line, its shape and its attributes as JSON. */
function columnsOf([header = []]: readonly (readonly string[])[]) {
  return new CsvHeader(header).places([["filename"], ["regionshapeattributes"], ["regionattributes"]])
}

/** The same images out of the export as CSV. */
function entriesOfCsv(path: string): Record<string, { filename: string; regions: unknown[] }> {
  const [header = [], ...rows] = readCsvRows(path)
  const [filename, shape, attributes] = columnsOf([header])!
  const entries: Record<string, { filename: string; regions: unknown[] }> = {}
  for (const [index, row] of rows.entries()) {
    const name = row[filename]!
    entries[name] ??= { filename: name, regions: [] }
    try {
      const region = { shape_attributes: JSON.parse(row[shape]!), region_attributes: JSON.parse(row[attributes]!) }
      // An image without regions has a line as well.
      if (Object.keys(region.shape_attributes).length > 0) entries[name].regions.push(region)
    } catch {
      throw new DataError(`${path}: line ${index + 2}: expected the shape and the attributes of a region as JSON`)
    }
  }
  return entries
}

/**
 * Reads what the VGG Image Annotator (VIA 1 and 2) writes, JSON or CSV: a file or a folder with one, beside its images, or folders of
 * splits with one each. A region counts as its extent; its class is its attribute `class`, `label`, `type` or `name`, else its only one.
 * @throws DataError when the split is missing, or a policy says so
 */
export function readVia(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const options = withDefaults("readVia", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const root = isFile(source) ? dirname(resolve(source)) : resolve(source)
  const whole = isFile(source) ? resolve(source) : viaFile(root)
  const splits = whole === undefined ? splitFolders(root, (folder) => viaFile(folder) !== undefined) : []
  const paths =
    whole === undefined ? pathsOfSplit(splits, options.split, source).map((folder) => viaFile(folder)!) : [whole]
  const notices: string[] = []
  const images = paths.flatMap((path) => readFile(path, root, options, log, notices))
  const { split } = options
  return namedDataset(images, { format: "via", source, split, notices, undivided: whole !== undefined }, options, log)
}

function readFile(path: string, root: string, options: ReadOptions, log: FaultLog, notices: string[]): NamedObjects[] {
  const where = relative(root, path).split(sep).join("/")
  const folder = options.images ?? dirname(path)
  const files = new FolderFiles(folder, {
    within: options.images === null ? root : folder,
    followLinks: options.followLinks,
  })
  const entries = Object.values(entriesOf(path)).map(fields)
  let unnamed = 0
  const images = entries.flatMap((entry): NamedObjects[] => {
    const filename = String(entry.filename)
    let file = files.find(filename, where) ?? files.findImage(withoutEnding(basename(filename)), where)
    if (file === undefined) {
      if (log.report("missing-image", where, `${filename} is missing`) !== "kept") return []
      file = join(files.root, filename)
    }
    const regions = Object.values((entry.regions as object | null) ?? []).map(fields)
    const objects = regions.flatMap((region, index): NamedObject[] => {
      const box = boxOf(fields(region.shape_attributes))
      const name = classOf(fields(region.region_attributes))
      if (name === undefined) unnamed++
      if (box !== undefined) return [{ index, name: name ?? "object", box }]
      log.report(
        "broken-annotation",
        `${where} ${filename}`,
        `a region of the kind ${fields(region.shape_attributes).name} has no extent`,
        index,
      )
      return []
    })
    return [{ id: withoutEnding(filename), file, width: 0, height: 0, where: `${where} ${filename}`, objects }]
  })
  if (unnamed > 0) notices.push(`${basename(path)}: ${unnamed} regions name no class: they are called "object"`)
  notices.push(...files.notices())
  return images
}

function classOf(attributes: Readonly<Record<string, unknown>>): string | undefined {
  const keys = Object.keys(attributes)
  const key =
    ["class", "label", "type", "name", "category"].find((name) => name in attributes) ??
    (keys.length === 1 ? keys[0] : undefined)
  const value = key === undefined ? undefined : attributes[key]
  if (typeof value === "string") return value.trim() || undefined
  // A checkbox: { "dog": true }.
  const ticked = Object.entries(fields(value)).filter(([, on]) => on === true)
  return ticked.length === 1 ? ticked[0]![0] : undefined
}

function boxOf(shape: Readonly<Record<string, unknown>>): NamedObject["box"] | undefined {
  const number = (key: string) => (typeof shape[key] === "number" ? (shape[key] as number) : Number.NaN)
  const list = (key: string) => (Array.isArray(shape[key]) ? (shape[key] as number[]) : [])
  const [cx, cy] = [number("cx"), number("cy")]
  switch (shape.name) {
    case "rect":
      return [number("x"), number("y"), number("x") + number("width"), number("y") + number("height")]
    case "circle":
      return circleBox([cx, cy], number("r"))
    case "ellipse":
      return [cx - number("rx"), cy - number("ry"), cx + number("rx"), cy + number("ry")]
    case "polygon": {
      const ys = list("all_points_y")
      return extentOf(list("all_points_x").map((x, i) => [x, ys[i]!]))
    }
    default:
      return undefined
  }
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
}
