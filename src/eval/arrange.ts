import { byImage, groupBy, ScoreSorter } from "./order.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** Detections and truths in the orders that matching and ranking walk through. Unknown classes are left out. */
export interface Arrangement {
  /**
   * Detections by class, then descending score, equal scores by image, then table order; `starts[k]`..`starts[k + 1]` is
   * class k. A *place* is a position in `order`.
   */
  readonly ranking: { readonly order: Int32Array; readonly starts: Int32Array }
  /** By class, then image, then descending score; class k lies where `ranking` has it. */
  readonly cells: Int32Array
  /** Truths by class, then image, then table order. */
  readonly truths: { readonly order: Int32Array; readonly starts: Int32Array }
}

export function arrange(truths: TruthTable, detections: DetectionTable): Arrangement {
  const images = truths.imageIds.length
  const classes = truths.categoryIds.length
  const { image, scores } = detections
  const { order: cells, starts } = groupBy(byImage(image, images), detections.category, classes)
  const sorter = new ScoreSorter()
  for (let k = 0; k < classes; k++) {
    const end = starts[k + 1]!
    for (let from = starts[k]!; from < end; ) {
      const here = image[cells[from]!]!
      let to = from + 1
      while (to < end && image[cells[to]!] === here) to++
      if (to - from > 1) sorter.sort(cells, from, to, scores)
      from = to
    }
  }
  const order = cells.slice()
  for (let k = 0; k < classes; k++) sorter.sort(order, starts[k]!, starts[k + 1]!, scores)
  return {
    ranking: { order, starts },
    cells,
    truths: groupBy(byImage(truths.image, images), truths.category, classes),
  }
}

/** All detections, those of unknown classes too, by descending score, equal scores by image, then table order. */
export function rankAll(truths: TruthTable, detections: DetectionTable): Int32Array {
  const order = byImage(detections.image, truths.imageIds.length)
  new ScoreSorter().sort(order, 0, order.length, detections.scores)
  return order
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
