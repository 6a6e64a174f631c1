export type CocoId = number

/** An image of COCO's annotation file; further keys are kept. */
export interface CocoImage {
  readonly id: CocoId
  readonly file_name?: string
  readonly width?: number
  readonly height?: number
  readonly [key: string]: unknown
}

export interface CocoCategory {
  readonly id: CocoId
  readonly name?: string
  readonly supercategory?: string
  readonly [key: string]: unknown
}

/** An annotation, or a result that `loadRes` made one of. */
export interface CocoAnnotation {
  readonly id: CocoId
  readonly image_id: CocoId
  readonly category_id: CocoId
  /** x, y, width, height in image pixels. */
  readonly bbox: readonly number[]
  /** Square pixels; width * height where absent. */
  readonly area?: number
  readonly iscrowd?: number | boolean
  /** Of results. */
  readonly score?: number
  readonly [key: string]: unknown
}

/** One detection of COCO's results format. */
export interface CocoResult {
  readonly image_id: CocoId
  readonly category_id: CocoId
  /** x, y, width, height in image pixels. */
  readonly bbox?: readonly number[]
  readonly score?: number
  readonly [key: string]: unknown
}

/** COCO's annotation file as `JSON.parse` gives it. */
export interface CocoDataset {
  readonly info?: Readonly<Record<string, unknown>>
  readonly images?: readonly CocoImage[]
  readonly annotations?: readonly CocoAnnotation[]
  readonly categories?: readonly CocoCategory[]
  readonly [key: string]: unknown
}
