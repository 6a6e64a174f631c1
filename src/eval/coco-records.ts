import { DataError } from "../core/errors.js"
import { DetectionBuilder } from "./detection-builder.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { TruthBuilder } from "./truth-builder.js"

/** COCO's annotation file as `JSON.parse` gives it; further keys are fine. */
export interface CocoAnnotationFile {
  readonly images: readonly {
    readonly id: number
    readonly file_name?: string
    readonly width?: number
    readonly height?: number
    /** LVIS: categories known to be absent. */
    readonly neg_category_ids?: readonly number[]
    /** LVIS: categories of which there may be more than is annotated. */
    readonly not_exhaustive_category_ids?: readonly number[]
  }[]
  readonly categories: readonly {
    readonly id: number
    readonly name?: string
    /** LVIS: "r", "c" or "f". */
    readonly frequency?: string
  }[]
  readonly annotations: readonly {
    readonly id?: number
    readonly image_id: number
    readonly category_id: number
    /** x, y, width, height. */
    readonly bbox: readonly number[]
    readonly area?: number
    readonly iscrowd?: number | boolean
    /** Difficult, where a file was made from VOC's. pycocotools does not look at it. */
    readonly ignore?: number | boolean
  }[]
}

/** One detection of COCO's results format. */
export interface CocoResultRecord {
  readonly image_id: number
  readonly category_id: number
  /** x, y, width, height. */
  readonly bbox: readonly number[]
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
      wholeNumber(where, "id", image.id),
      image.file_name ?? String(image.id),
      image.width ?? 0,
      image.height ?? 0,
      { negative: image.neg_category_ids, notExhaustive: image.not_exhaustive_category_ids },
    )
  })
  file.categories.forEach((category, i) => {
    builder.addCategory(
      wholeNumber(`${source}: categories[${i}]`, "id", category.id),
      category.name ?? String(category.id),
      category.frequency,
    )
  })
  file.annotations.forEach((annotation, i) => {
    const where = `${source}: annotations[${i}]`
    const [x, y, width, height] = fourNumbers(where, annotation.bbox)
    builder.addTruth({
      id: annotation.id ?? i + 1,
      imageId: wholeNumber(where, "image_id", annotation.image_id),
      categoryId: wholeNumber(where, "category_id", annotation.category_id),
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
    const [x, y, width, height] = fourNumbers(where, result.bbox)
    if (typeof result.score !== "number") {
      throw new DataError(`${where}: expected score to be a number, got ${JSON.stringify(result.score)}`)
    }
    const imageId = wholeNumber(where, "image_id", result.image_id)
    builder.add(imageId, wholeNumber(where, "category_id", result.category_id), x, y, width, height, result.score)
  })
  return builder.finish()
}

function wholeNumber(where: string, key: string, value: unknown): number {
  if (!Number.isSafeInteger(value)) {
    throw new DataError(`${where}: expected ${key} to be a whole number, got ${JSON.stringify(value)}`)
  }
  return value as number
}

function fourNumbers(where: string, value: unknown): [number, number, number, number] {
  if (!Array.isArray(value) || value.length !== 4 || value.some((x) => typeof x !== "number")) {
    throw new DataError(`${where}: expected bbox to be four numbers, got ${JSON.stringify(value)}`)
  }
  return value as [number, number, number, number]
}
