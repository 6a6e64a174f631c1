import { DataError } from "../core/errors.js"
import { type CocoId, isCocoId } from "../json/coco-id.js"
import { outlineExtent } from "../json/outline.js"
import { quotedNumber } from "../json/quoted-number.js"
import { DetectionBuilder } from "./detection-builder.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { TruthBuilder } from "./truth-builder.js"

type Box = [x: number, y: number, width: number, height: number]

/** COCO's annotation file as `JSON.parse` gives it; further keys are fine. */
export interface CocoAnnotationFile {
  readonly images: readonly {
    readonly id: CocoId
    readonly file_name?: string
    readonly width?: number
    readonly height?: number
    /** LVIS: categories known to be absent. */
    readonly neg_category_ids?: readonly number[]
    /** LVIS: categories of which there may be more than is annotated. */
    readonly not_exhaustive_category_ids?: readonly number[]
  }[]
  readonly categories: readonly {
    readonly id: CocoId
    readonly name?: string
    /** LVIS: "r", "c" or "f". */
    readonly frequency?: string
  }[]
  readonly annotations: readonly {
    readonly id?: CocoId
    readonly image_id: CocoId
    readonly category_id: CocoId
    /** x, y, width, height; when left out, the box around the segmentation. */
    readonly bbox?: readonly number[] | null
    /** Polygons or a mask. */
    readonly segmentation?: unknown
    readonly area?: number
    readonly iscrowd?: number | boolean
    /** Difficult, where a file was made from VOC's. pycocotools does not look at it. */
    readonly ignore?: number | boolean
  }[]
}

/** One detection of COCO's results format. */
export interface CocoResultRecord {
  /** The image's id, or its name. */
  readonly image_id: CocoId
  /** The category's id, or its name. */
  readonly category_id: CocoId
  /** x, y, width, height; when left out, the box around the segmentation. */
  readonly bbox?: readonly number[] | null
  /** Polygons or a mask. */
  readonly segmentation?: unknown
  readonly score: number
}

/**
 * Truths from COCO's annotation file, already parsed.
 * @throws DataError naming the record for wrong types, NaN or negative boxes, unknown image or category ids
 */
export function truthsFromCoco(file: CocoAnnotationFile, source = "truths"): TruthTable {
  const builder = new TruthBuilder(source, "coco")
  for (const list of ["images", "categories", "annotations"] as const) {
    if (!Array.isArray(file[list])) {
      throw new DataError(`${source}: expected an object with a list "${list}" (COCO's annotation format)`)
    }
  }
  file.images.forEach((image, i) => {
    const where = `${source}: images[${i}]`
    builder.addImage(
      idOf(where, "id", image.id),
      image.file_name ?? String(image.id),
      image.width ?? 0,
      image.height ?? 0,
      { negative: image.neg_category_ids, notExhaustive: image.not_exhaustive_category_ids },
    )
  })
  file.categories.forEach((category, i) => {
    builder.addCategory(
      idOf(`${source}: categories[${i}]`, "id", category.id),
      category.name ?? String(category.id),
      category.frequency,
    )
  })
  file.annotations.forEach((annotation, i) => {
    const where = `${source}: annotations[${i}]`
    const [x, y, width, height] = boxOf(where, annotation)
    builder.addTruth({
      id: annotation.id ?? i + 1,
      imageId: idOf(where, "image_id", annotation.image_id),
      categoryId: idOf(where, "category_id", annotation.category_id),
      x,
      y,
      width,
      height,
      area: annotation.area,
      crowd: Boolean(annotation.iscrowd),
      difficult: Boolean(annotation.ignore),
    })
  })
  return builder.finish()
}

/**
 * Detections from COCO's results format, already parsed.
 * @throws DataError naming the record for wrong types, NaN or negative boxes, unknown image ids
 */
export function detectionsFromCoco(
  truths: TruthTable,
  results: readonly CocoResultRecord[],
  source = "results",
): DetectionTable {
  const builder = new DetectionBuilder(truths, source)
  if (!Array.isArray(results)) throw new DataError(`${source}: expected a list of detections (COCO's results format)`)
  results.forEach((result: CocoResultRecord, i) => {
    const where = `${source}: record ${i}`
    const [x, y, width, height] = boxOf(where, result)
    const score = typeof result.score === "string" ? quotedNumber(result.score) : result.score
    if (typeof score !== "number") {
      throw new DataError(`${where}: expected score to be a number, got ${JSON.stringify(result.score)}`)
    }
    const imageId = idOf(where, "image_id", result.image_id)
    builder.add(imageId, idOf(where, "category_id", result.category_id), x, y, width, height, score)
  })
  return builder.finish()
}

function idOf(where: string, key: string, value: unknown): CocoId {
  if (isCocoId(value)) return value
  const lost =
    typeof value === "number" && Number.isInteger(value) ? ", which may have lost digits: keep it as text" : ""
  const got = JSON.stringify(value)
  throw new DataError(`${where}: expected ${key} to be a whole number or a text, got ${got}${lost}`)
}

/** The box as the readers of files take it: numbers may be texts, and a segmentation has a box around it. */
function boxOf(where: string, { bbox, segmentation }: { bbox?: unknown; segmentation?: unknown }): Box {
  const isAbsent = (bbox ?? null) === null || (Array.isArray(bbox) && bbox.length === 0)
  if (isAbsent) {
    const extent = outlineExtent(segmentation)
    if (extent !== undefined) return extent
    throw new DataError(`${where}: expected a field "bbox", got none`)
  }
  const numbers = Array.isArray(bbox) ? bbox.map((one) => (typeof one === "string" ? quotedNumber(one) : one)) : []
  if (numbers.length === 4 && numbers.every((one) => typeof one === "number")) return numbers as Box
  throw new DataError(`${where}: expected bbox to be four numbers, got ${JSON.stringify(bbox)}`)
}
