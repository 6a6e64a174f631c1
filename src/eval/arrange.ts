import { byScore, counting, groupBy } from "./order.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** Detections and truths in the orders that matching and ranking walk through. Unknown classes are left out. */
export interface Arrangement {
  /** All detections by descending score, equal scores by image, then table order. */
  readonly ranked: Int32Array
  /** The same by class; `starts[k]`..`starts[k + 1]` is class k. */
  readonly ranking: { readonly order: Int32Array; readonly starts: Int32Array }
  /** By class, then image, then descending score; class k lies where `ranking` has it. */
  readonly cells: Int32Array
  /** Truths by class, then image, then table order. */
  readonly truths: { readonly order: Int32Array; readonly starts: Int32Array }
}

export function arrange(truths: TruthTable, detections: DetectionTable): Arrangement {
  const images = truths.imageIds.length
  const classes = truths.categoryIds.length
  const byImage = groupBy(counting(detections.image.length), detections.image, images).order
  const ranked = byScore(byImage, detections.scores)
  const truthsByImage = groupBy(counting(truths.image.length), truths.image, images).order
  return {
    ranked,
    ranking: groupBy(ranked, detections.category, classes),
    cells: groupBy(groupBy(ranked, detections.image, images).order, detections.category, classes).order,
    truths: groupBy(truthsByImage, truths.category, classes),
  }
}

/**
 * Visits every image that has detections or truths, in order.
 * @param detections positions by image
 * @param truths positions by image
 */
export function walkImages(
  detections: Int32Array,
  detectionImage: Int32Array,
  truths: Int32Array,
  truthImage: Int32Array,
  visit: (detections: Int32Array, truths: Int32Array, image: number) => void,
): void {
  let d = 0
  let g = 0
  while (d < detections.length || g < truths.length) {
    const nextDetected = d < detections.length ? detectionImage[detections[d]!]! : Number.POSITIVE_INFINITY
    const nextTruth = g < truths.length ? truthImage[truths[g]!]! : Number.POSITIVE_INFINITY
    const image = Math.min(nextDetected, nextTruth)
    const firstDetection = d
    const firstTruth = g
    while (d < detections.length && detectionImage[detections[d]!] === image) d++
    while (g < truths.length && truthImage[truths[g]!] === image) g++
    visit(detections.subarray(firstDetection, d), truths.subarray(firstTruth, g), image)
  }
}
