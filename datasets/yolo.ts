import { readFileSync } from "node:fs"
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path"
import { parse } from "yaml"
import { z } from "zod"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { didYouMean } from "../src/core/suggest.js"
import { labelsByName } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, NoSplitError, withPolicies } from "./faults.js"
import { FolderFiles, imageEndings, isFile, isFolder } from "./folder.js"
import { imageFileSize } from "./image/file-size.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { buildRecord, type RawObject } from "./record.js"

const places = z.union([z.string(), z.array(z.string())]).nullish()
const yoloYaml = z.looseObject({
  path: z.string().nullish(),
  train: places,
  val: places,
  valid: places,
  test: places,
  names: z.union([z.array(z.coerce.string()), z.record(z.string(), z.coerce.string())]),
})

type YoloYaml = z.infer<typeof yoloYaml>

/**
 * Reads a YOLO data set from its `data.yaml`, or a folder with one. Paths are relative to the yaml file (or to its
 * `path`), never to a hidden setting. A line is `class cx cy w h` in parts of the image, or a polygon, whose extent
 * counts. An image without a label file has no objects.
 * @throws DataError when there is no such file or split, or a policy says so
 */
export async function readYolo(source: string, overrides: Partial<ReadOptions> = {}): Promise<Dataset> {
  const options = withDefaults("readYolo", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const yaml = isFolder(source) ? join(resolve(source), "data.yaml") : resolve(source)
  const settings = readYaml(yaml)
  const root = resolve(dirname(yaml), settings.path ?? ".")
  const names = Array.isArray(settings.names) ? settings.names : namesByNumber(settings.names, yaml)
  const classes = options.classes ?? names
  const labels = labelsByName(classes)
  const notices: string[] = []
  const images: ImageRecord[] = []
  for (const { files, name } of listImages(settings, root, yaml, options.split, notices)) {
    const where = relative(root, join(files.root, name)).replaceAll("\\", "/")
    const file = files.find(name, where)
    if (file === undefined) {
      log.report("missing-image", where, "the listed image is missing")
      continue
    }
    const labelFile = labelPath(file)
    const labelWhere = relative(root, labelFile).replaceAll("\\", "/")
    const size = await imageFileSize(file).catch(() => undefined)
    if (size === undefined) {
      log.report("unreadable-image", where, "its header is not that of an image")
      continue
    }
    const lines = isFile(labelFile) ? readFileSync(labelFile, "utf8").split(/\r?\n/) : []
    const objects = lines.flatMap((line, index) =>
      line.trim() === "" ? [] : parseLine(line, index, size, names, labels, labelWhere, log),
    )
    const id = name.slice(0, -extname(name).length)
    const { width, height } = size
    images.push(buildRecord({ id, imageId: images.length + 1, file, width, height }, objects, labelWhere, log))
  }
  const categoryIds = classes.map((_, index) => index + 1)
  return { format: "yolo", source, split: options.split, classes, categoryIds, images, faults: log.faults, notices }
}

/** True for what `readYolo` reads. */
export function isYolo(source: string): boolean {
  return /\.ya?ml$/.test(source) ? isFile(source) : isFile(join(source, "data.yaml"))
}

function readYaml(path: string): YoloYaml {
  if (!isFile(path)) throw new DataError(`No file ${path}`)
  try {
    return yoloYaml.parse(parse(readFileSync(path, "utf8")))
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0]! : undefined
    const text = reason ? `${reason.path.join(".")}: ${reason.message}` : (error as Error).message.split("\n")[0]
    throw new DataError(`${path}: not a YOLO data.yaml: ${text}`)
  }
}

function namesByNumber(names: Readonly<Record<string, string>>, yaml: string): string[] {
  const count = Object.keys(names).length
  return Array.from({ length: count }, (_, index) => {
    const name = names[index]
    if (name === undefined)
      throw new DataError(`${yaml}: names: expected the numbers 0..${count - 1}, ${index} is missing`)
    return name
  })
}

function* listImages(settings: YoloYaml, root: string, yaml: string, split: string, notices: string[]) {
  const parts = split === "trainval" && settings.trainval === undefined ? ["train", "val"] : [split]
  for (const part of parts) {
    const named = part === "val" ? (settings.val ?? settings.valid) : (settings as Record<string, unknown>)[part]
    const given = places.parse(typeof named === "string" || Array.isArray(named) ? named : null)
    if (given == null) {
      const known = ["train", "val", "test"].filter((name) => (settings as Record<string, unknown>)[name] != null)
      throw new NoSplitError(`${yaml}: no split "${part}".${didYouMean(part, known)} There: ${known.join(", ")}`)
    }
    for (const place of [given].flat()) yield* listPlace(place, root, yaml, notices)
  }
}

function* listPlace(place: string, root: string, yaml: string, notices: string[]) {
  let path = resolve(root, place)
  const inside = place.replace(/^(\.\.[\\/])+/, "")
  if (inside !== place && isFolder(join(root, inside))) {
    // Roboflow writes ../train/images for the folder beside the yaml.
    path = join(root, inside)
    notices.push(`${basename(yaml)}: "${place}" is taken as "${inside}"`)
  }
  if (path !== root && !path.startsWith(root + sep)) {
    throw new DataError(`${yaml}: unsafe-path: "${place}" leaves the data folder. Set "path" to a folder that holds it`)
  }
  if (isFolder(path)) {
    const files = new FolderFiles(path)
    for (const name of files.names()) {
      if (imageEndings.includes(extname(name).toLowerCase())) yield { files, name }
    }
  } else if (isFile(path)) {
    const files = new FolderFiles(root)
    for (const line of readFileSync(path, "utf8").split(/\r?\n/)) {
      if (line.trim() !== "") yield { files, name: line.trim().replace(/^\.\//, "") }
    }
  } else
    throw new DataError(`${yaml}: no folder or list ${path}. Paths are relative to the yaml file, or to its "path"`)
}

/** The label file of an image: the last folder `images` becomes `labels`, the ending `.txt`. */
function labelPath(image: string): string {
  const parts = image.split(sep)
  const at = parts.lastIndexOf("images")
  if (at >= 0) parts[at] = "labels"
  const path = parts.join(sep)
  return `${path.slice(0, -extname(path).length)}.txt`
}

function parseLine(
  line: string,
  index: number,
  size: { readonly width: number; readonly height: number },
  names: readonly string[],
  labels: ReadonlyMap<string, number>,
  where: string,
  log: FaultLog,
): RawObject[] {
  const [number, ...values] = line.trim().split(/\s+/).map(Number)
  const isPolygon = values.length >= 6 && values.length % 2 === 0
  if (number === undefined || !values.every(Number.isFinite) || (values.length !== 4 && !isPolygon)) {
    log.report("broken-annotation", where, `"${line.trim().slice(0, 60)}" is not "class cx cy w h"`, index)
    return []
  }
  const name = Number.isInteger(number) ? names[number] : undefined
  if (name === undefined) {
    log.report("unknown-id", where, `class ${number} does not exist: the names go from 0 to ${names.length - 1}`, index)
    return []
  }
  const label = labels.get(name)
  if (label === undefined) {
    log.report(
      "unknown-class",
      where,
      `"${name}" is not among the classes.${didYouMean(name, [...labels.keys()])}`,
      index,
    )
    return []
  }
  const [x1, y1, x2, y2] = isPolygon ? extent(values) : fromCentre(values)
  const { width, height } = size
  return [{ index, label, box: [x1 * width, y1 * height, x2 * width, y2 * height] }]
}

function fromCentre(values: readonly number[]): [number, number, number, number] {
  const [cx, cy, w, h] = values as [number, number, number, number]
  return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
}

function extent(values: readonly number[]): [number, number, number, number] {
  const xs = values.filter((_, i) => i % 2 === 0)
  const ys = values.filter((_, i) => i % 2 === 1)
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}
