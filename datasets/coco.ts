import { dirname, join, relative, resolve } from "node:path"
import { withDefaults } from "../src/core/options.js"
import { didYouMean } from "../src/core/suggest.js"
import { type CocoFileAnnotation, type CocoFileImage, readCocoFileSync } from "../src/json/coco-file.js"
import { type CocoId, compareIds, idKey } from "../src/json/coco-id.js"
import { outlineNotice } from "../src/json/outline.js"
import { readBytes } from "../src/json/read-bytes.js"
import { categoryIdsOf, labelsByName } from "./classes.js"
import { expectPixelBoxes } from "./coco-box-forms.js"
import { cocoFileOf, imagePlaces, isUndividedCoco } from "./coco-files.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, withPolicies } from "./faults.js"
import { isFile } from "./folder.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { buildRecord, type RawObject } from "./record.js"

type Image = CocoFileImage & { readonly name: string }

/** An object with its place in the list. */
type Annotation = CocoFileAnnotation & { readonly index: number }

interface Category {
  readonly name: string
  readonly id: CocoId
  /** LVIS: "r", "c" or "f". */
  readonly frequency: string
}

interface Content {
  readonly images: readonly { readonly image: Image; readonly objects: Annotation[] }[]
  /** Class name by id key. */
  readonly names: ReadonlyMap<number | string, string>
  /** Names in the order of their ids, each once, with the first id of each. */
  readonly categories: readonly Category[]
}

/**
 * Reads COCO: a root with `annotations/instances_<split>*.json`, or such a JSON file. Classes come in the order of
 * their category ids; the ids stay in `categoryIds`. Segments are not kept, their `area` is, and their extent where an
 * annotation has no `bbox`.
 * @throws DataError when there is no such file, it is no COCO file, or a policy says so
 */
export function readCoco(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const options = withDefaults("readCoco", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const notices: string[] = []
  const json = cocoFileOf(source, options.split)
  const root = isFile(source) ? dirname(json) : resolve(source)
  const where = relative(root, json).replaceAll("\\", "/")
  const { images, names, categories } = readJson(json, where, log, notices)
  expectPixelBoxes(images, where)
  const classes = options.classes ?? categories.map(({ name }) => name)
  const labels = labelsByName(classes)
  const places = imagePlaces(
    json,
    options,
    images.map(({ image }) => image.name),
  )
  const found = images.map(({ image: { name } }) => places.find(name, where))
  const isElsewhere = found.every((file) => file === undefined)
  const records = images.flatMap(({ image, objects }, i): ImageRecord[] => {
    let file = isElsewhere ? places.findEnding(image.name, where) : found[i]
    if (file === undefined) {
      const missing = join(places.first.root, image.name)
      const message = `${relative(root, missing)} (image ${image.id}) is missing`
      if (log.report("missing-image", where, message) === "skipped") return []
      file = missing
    }
    const raw = objects.flatMap((object) => rawObject(object, names, labels, where, log))
    const id = image.name.replace(/\.[^./]+$/, "")
    const { width, height, negative, notExhaustive } = image
    const record = buildRecord({ id, imageId: image.id, file, width, height }, raw, where, log)
    return [{ ...record, ...(negative && { negative }), ...(notExhaustive && { notExhaustive }) }]
  })
  notices.push(...places.notices(), ...sharedFiles(records))
  const categoryIds = categoryIdsOf(classes, categories)
  const { split } = options
  const federated = categories.some(({ frequency }) => frequency !== "")
  return {
    ...{ format: "coco", source, split, classes, categoryIds, images: records, faults: log.faults, notices },
    ...(isUndividedCoco(source) && { undivided: true }),
    ...(federated && { frequencies: frequenciesOf(classes, categories) }),
  }
}

function frequenciesOf(classes: readonly string[], categories: readonly Category[]): string[] {
  const byName = new Map(categories.map(({ name, frequency }) => [name, frequency]))
  return classes.map((name) => byName.get(name) ?? "")
}

function readJson(json: string, where: string, log: FaultLog, notices: string[]): Content {
  const images = new Map<number | string, { image: Image; objects: Annotation[] }>()
  const categories = new Map<number | string, Category>()
  const annotations: Annotation[] = []
  const firstOfId = new Map<number | string, Annotation>()
  const repeatedIds = new Set<number | string>()
  let outlines = 0
  readCocoFileSync(readBytes(json), json, {
    image({ name, ...rest }, index) {
      if (name === undefined) {
        log.report("broken-annotation", where, "the image has no file_name", index)
        return
      }
      const image = { ...rest, name }
      const key = idKey(image.id)
      const other = images.get(key)
      if (other === undefined) images.set(key, { image, objects: [] })
      else {
        const message = `image id ${image.id} is used twice: for ${other.image.name} and for ${image.name}`
        log.report("duplicate-id", where, message, index)
      }
    },
    category({ id, name, frequency }, index) {
      if (categories.has(idKey(id))) log.report("duplicate-id", where, `category id ${id} is used twice`, index)
      else categories.set(idKey(id), { id, name, frequency })
    },
    annotation(annotation, index) {
      const own = { ...annotation, index }
      if (annotation.outlined) outlines++
      if (annotation.id !== undefined) {
        const key = idKey(annotation.id)
        const other = firstOfId.get(key)
        if (other === undefined) firstOfId.set(key, own)
        else if (isSame(other, own)) {
          const message = `annotation id ${annotation.id} is there twice, with the same box`
          if (log.report("duplicate-id", where, message, index) === "skipped") return
        } else repeatedIds.add(key)
      }
      annotations.push(own)
    },
    fault: (_, index, { problem }) => void log.report("broken-annotation", where, problem, index),
  })
  if (outlines > 0) notices.push(outlineNotice(where, outlines, "annotations"))
  if (repeatedIds.size > 0) {
    notices.push(
      `${where}: ${repeatedIds.size} annotation ids stand for several annotations each: all of them count` +
        " (pycocotools keeps the last of each)",
    )
  }
  for (const annotation of annotations) {
    const own = images.get(idKey(annotation.imageId))
    if (own !== undefined) own.objects.push(annotation)
    else log.report("unknown-id", where, `image id ${annotation.imageId} does not exist`, annotation.index)
  }
  const sorted = [...categories.values()].sort((a, b) => compareIds(a.id, b.id))
  const once = sorted.filter(({ name }, i) => sorted.findIndex((other) => other.name === name) === i)
  if (once.length < sorted.length) {
    const twice = sorted.find((one) => !once.includes(one))!
    const ids = sorted.filter(({ name }) => name === twice.name).map(({ id }) => id)
    notices.push(`${where}: "${twice.name}" is the name of several categories (${ids.join(", ")}): they are one class`)
  }
  const names = new Map([...categories].map(([key, { name }]) => [key, name]))
  return { images: [...images.values()], names, categories: once }
}

function isSame(a: Annotation, b: Annotation): boolean {
  const boxes = a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height
  return boxes && idKey(a.imageId) === idKey(b.imageId) && idKey(a.categoryId) === idKey(b.categoryId)
}

/** A line for photos that the file lists under several ids. */
function sharedFiles(records: readonly ImageRecord[]): string[] {
  const first = new Map<string, ImageRecord>()
  const shared = records.filter((record) => {
    const other = first.get(record.file)
    if (other === undefined) first.set(record.file, record)
    return other !== undefined
  })
  if (shared.length === 0) return []
  const { file, id, imageId } = shared[0]!
  const ids = `${first.get(file)!.imageId} and ${imageId}`
  return [`${shared.length} images are listed twice under different ids: ${id} is image ${ids}. Both take part`]
}

function rawObject(
  { index, categoryId, x, y, width, height, crowd, ignore, area }: Annotation,
  names: ReadonlyMap<number | string, string>,
  labels: ReadonlyMap<string, number>,
  where: string,
  log: FaultLog,
): RawObject[] {
  const name = names.get(idKey(categoryId))
  if (name === undefined) {
    log.report("unknown-id", where, `category id ${categoryId} does not exist`, index)
    return []
  }
  const label = labels.get(name)
  if (label === undefined) {
    const hint = didYouMean(name, [...labels.keys()])
    log.report("unknown-class", where, `"${name}" is not among the classes.${hint}`, index)
    return []
  }
  const box = [x, y, x + width, y + height] as const
  return [{ index, box, label, crowd, difficult: ignore, ...(isArea(area) && { area }) }]
}

/** Other areas count as absent, as in files that have none. */
function isArea(area: number | undefined): area is number {
  return area !== undefined && area >= 0 && Number.isFinite(area)
}
