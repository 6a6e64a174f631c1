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
