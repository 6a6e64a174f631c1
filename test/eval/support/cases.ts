import type { CocoAnnotationFile, CocoResultRecord } from "../../../src/eval/coco-records.js"

/** x, y, width, height */
export type Xywh = readonly [number, number, number, number]

type Listed<Name extends keyof CocoAnnotationFile> = CocoAnnotationFile[Name][number]

/** COCO's annotation file as most tools write it: ids are numbers, and every record has its box. */
export interface PlainFile extends CocoAnnotationFile {
  readonly images: readonly (Listed<"images"> & { readonly id: number })[]
  readonly categories: readonly (Listed<"categories"> & { readonly id: number })[]
  readonly annotations: readonly (Listed<"annotations"> & Plain & { readonly id?: number })[]
}

interface Plain {
  readonly image_id: number
  readonly category_id: number
  readonly bbox: readonly number[]
}

/** A detection likewise. */
export type PlainResult = CocoResultRecord & Plain

export interface TruthCase {
  readonly box: Xywh
  readonly image?: number
  readonly category?: number
  readonly id?: number
  readonly area?: number
  readonly crowd?: boolean
}

/** A COCO annotation file with as many images (ids from 1) and categories (ids from 1) as asked for. */
export function truthFile(truths: readonly TruthCase[], images = 1, categories = 1): PlainFile {
  return {
    images: Array.from({ length: images }, (_, i) => ({
      id: i + 1,
      file_name: `image ${i + 1}`,
      width: 640,
      height: 480,
    })),
    categories: Array.from({ length: categories }, (_, k) => ({ id: k + 1, name: `class ${k + 1}` })),
    annotations: truths.map(({ box, image = 1, category = 1, id, area, crowd = false }, i) => ({
      id: id ?? i + 1,
      image_id: image,
      category_id: category,
      bbox: box,
      area: area ?? box[2] * box[3],
      iscrowd: crowd ? 1 : 0,
    })),
  }
}

export function result(box: Xywh, score: number, image = 1, category = 1): PlainResult {
  return { image_id: image, category_id: category, bbox: box, score }
}
