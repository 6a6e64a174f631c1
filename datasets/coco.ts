import { readdirSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { didYouMean } from "../src/core/suggest.js"
import { type ListReader, readJsonListsSync } from "../src/json/lists.js"
import { readBytes } from "../src/json/read-bytes.js"
import { labelsByName } from "./classes.js"
import type { Dataset } from "./dataset.js"
import { FaultLog, NoSplitError, withPolicies } from "./faults.js"
import { expectInside, FolderFiles, isFile, isFolder } from "./folder.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { buildRecord, type RawObject } from "./record.js"

interface CocoImage {
  readonly id: number
  readonly name: string
  readonly width: number
  readonly height: number
  readonly objects: CocoObject[]
}

interface CocoObject {
  readonly index: number
  readonly category: number
  readonly bbox: readonly number[]
  readonly crowd: boolean
  readonly difficult: boolean
  readonly area: number | undefined
}

/**
 * Reads COCO: a root with `annotations/instances_<split>*.json`, or such a JSON file. Classes come in the order of
 * their category ids; the ids stay in `categoryIds`. Segments are not kept, their `area` is.
 * @throws DataError when there is no such file, it is no COCO file, or a policy says so
 */
export function readCoco(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const options = withDefaults("readCoco", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const json = isFile(source) ? resolve(source) : splitFile(source, options.split)
  const root = isFile(source) ? dirname(json) : resolve(source)
  const where = relative(root, json).replaceAll("\\", "/")
  const { images, categories } = readJson(json, where, log)
  const ids = [...categories.keys()].sort((a, b) => a - b)
  const classes = options.classes ?? ids.map((id) => categories.get(id)!)
  const labels = labelsByName(classes)
  const files = new FolderFiles(imageFolder(json, options, [...images.values()]))
  const records = [...images.values()].flatMap((image) => {
    const file = files.find(image.name, where)
    if (file === undefined) {
      log.report(
        "missing-image",
        where,
        `${join(relative(root, files.root), image.name)} (image ${image.id}) is missing`,
      )
      return []
    }
    const objects = image.objects.flatMap((object) => rawObject(object, categories, labels, where, log))
    const id = image.name.replace(/\.[^./]+$/, "")
    return [buildRecord({ id, imageId: image.id, file, width: image.width, height: image.height }, objects, where, log)]
  })
  const idOf = new Map([...categories].map(([id, name]) => [name, id]))
  const free = Math.max(0, ...ids) + 1
  const categoryIds = classes.map((name, index) => idOf.get(name) ?? free + index)
  return { format: "coco", source, split: options.split, classes, categoryIds, images: records, faults: log.faults }
}

/** True for what `readCoco` reads. */
export function isCoco(source: string): boolean {
  return isFile(source) ? source.endsWith(".json") : cocoFiles(source).length > 0
}

/** Annotation files in the usual places, relative to the root. */
function cocoFiles(root: string): string[] {
  const list = (folder: string) =>
    isFolder(join(root, folder))
      ? readdirSync(join(root, folder))
          .sort()
          .map((name) => join(folder, name))
      : []
  const inAnnotations = list("annotations").filter((name) => name.endsWith(".json"))
  const instances = inAnnotations.filter((name) => basename(name).startsWith("instances"))
  // One folder a split with its own file, as Roboflow exports it.
  const beside = list(".").map((name) => join(name, "_annotations.coco.json"))
  return [...(instances.length > 0 ? instances : inAnnotations), ...beside.filter((name) => isFile(join(root, name)))]
}

function splitFile(root: string, split: string): string {
  const files = cocoFiles(root)
  const nameOf = (file: string) =>
    basename(file) === "_annotations.coco.json" ? dirname(file) : basename(file, ".json").replace(/^instances_/, "")
  const names = files.map(nameOf)
  const exact = names.indexOf(split)
  const near = names.flatMap((name, index) => (name.replace(/[-_]?\d*$/, "") === split ? [index] : []))
  const alias = names.indexOf(split === "val" ? "valid" : split)
  const chosen = exact >= 0 ? exact : near.length === 1 ? near[0]! : alias
  if (chosen >= 0) return resolve(root, files[chosen]!)
  if (near.length > 1) {
    throw new DataError(`Several annotation files for "${split}" in ${root}: name one of ${near.map((i) => names[i])}`)
  }
  throw new NoSplitError(
    `No split "${split}" in ${root}.${didYouMean(split, names)} There: ${names.join(", ") || "none"}`,
  )
}

function readJson(json: string, where: string, log: FaultLog) {
  const images = new Map<number, CocoImage>()
  const categories = new Map<number, string>()
  const annotations: (CocoObject & { readonly image: number })[] = []
  const seen = new Set<number>()
  const readers = [
    list("images", (element, index) => {
      const { id, file_name: name, width, height } = fields(element)
      if (typeof id !== "number" || typeof name !== "string") {
        log.report("broken-annotation", where, "the image has no id or no file_name", index)
        return
      }
      expectInside(name, where)
      if (images.has(id)) log.report("duplicate-id", where, `image id ${id} is used twice`, index)
      else images.set(id, { id, name, width: size(width), height: size(height), objects: [] })
    }),
    list("categories", (element, index) => {
      const { id, name } = fields(element)
      if (typeof id !== "number" || typeof name !== "string") {
        log.report("broken-annotation", where, "the category has no id or no name", index)
      } else if (categories.has(id)) log.report("duplicate-id", where, `category id ${id} is used twice`, index)
      else categories.set(id, name)
    }),
    list("annotations", (element, index) => {
      const { id, image_id: image, category_id: category, bbox, iscrowd, area, ignore } = fields(element)
      if (typeof image !== "number" || typeof category !== "number" || !Array.isArray(bbox) || bbox.length !== 4) {
        log.report("broken-annotation", where, "the annotation lacks image_id, category_id or a bbox of 4", index)
        return
      }
      if (typeof id === "number" && seen.has(id)) {
        log.report("duplicate-id", where, `annotation id ${id} is used twice`, index)
        return
      }
      if (typeof id === "number") seen.add(id)
      const crowd = iscrowd === 1 || iscrowd === true
      const difficult = ignore === 1
      annotations.push({
        index,
        image,
        category,
        bbox,
        crowd,
        difficult,
        area: typeof area === "number" ? area : undefined,
      })
    }),
  ]
  const found = readJsonListsSync(
    readBytes(json),
    json,
    readers,
    "a JSON object with images, annotations and categories",
  )
  const missing = ["images", "categories", "annotations"].filter((name) => !found.has(name))
  if (missing.length > 0) throw new DataError(`${json}: no "${missing.join('", "')}" in it: not a COCO annotation file`)
  for (const annotation of annotations) {
    const image = images.get(annotation.image)
    if (image !== undefined) image.objects.push(annotation)
    else log.report("unknown-id", where, `image id ${annotation.image} does not exist`, annotation.index)
  }
  return { images, categories }
}

/** Hands over each element of a list. */
const list = (name: string, take: (element: unknown, index: number) => void): ListReader => ({
  name,
  read: (scanner, index) => take(scanner.value(), index),
})

function rawObject(
  object: CocoObject,
  categories: ReadonlyMap<number, string>,
  labels: ReadonlyMap<string, number>,
  where: string,
  log: FaultLog,
): RawObject[] {
  const name = categories.get(object.category)
  if (name === undefined) {
    log.report("unknown-id", where, `category id ${object.category} does not exist`, object.index)
    return []
  }
  const label = labels.get(name)
  if (label === undefined) {
    const hint = didYouMean(name, [...labels.keys()])
    log.report("unknown-class", where, `"${name}" is not among the classes.${hint}`, object.index)
    return []
  }
  const [x, y, width, height] = object.bbox.map((value) => (typeof value === "number" ? value : Number.NaN))
  const box = [x!, y!, x! + width!, y! + height!] as const
  const area = object.area === undefined ? {} : { area: object.area }
  return [{ index: object.index, box, label, crowd: object.crowd, difficult: object.difficult, ...area }]
}

/** The first of the usual folders that holds the images. */
function imageFolder(json: string, options: ReadOptions, images: readonly CocoImage[]): string {
  if (options.images !== null) {
    if (!isFolder(options.images)) throw new DataError(`No folder ${options.images} for the images of ${json}`)
    return resolve(options.images)
  }
  const here = dirname(json)
  const root = basename(here) === "annotations" ? dirname(here) : here
  const name = basename(json, ".json").replace(/^instances_/, "")
  const folders = [
    ...(root === here ? [here] : []),
    ...[name, `images/${name}`, options.split, `images/${options.split}`, "images", "."].map((part) =>
      join(root, part),
    ),
  ]
  const first = images.slice(0, 20)
  const holds = (folder: string) => isFolder(folder) && first.some((image) => isFile(join(folder, image.name)))
  return folders.find(holds) ?? folders.find(isFolder) ?? root
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
}

function size(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0
}
