import { groupBy } from "./order.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** What lies in each image; `starts[i]`..`starts[i + 1]` is image i. */
export interface ImageIndex {
  /** Detections of known classes, best score first. */
  readonly detections: { readonly order: Int32Array; readonly starts: Int32Array }
  /** Truths in table order. */
  readonly truths: { readonly order: Int32Array; readonly starts: Int32Array }
}

/** @param ranked positions of the detections, best score first */
export function indexImages(truths: TruthTable, detections: DetectionTable, ranked: Int32Array): ImageIndex {
  const images = truths.imageIds.length
  const known = detections.unknownCategories.length === 0 ? ranked : ranked.filter((d) => detections.category[d]! >= 0)
  return {
    detections: groupBy(known, detections.image, images),
    truths: groupBy(truths.image.length, truths.image, images),
  }
}
