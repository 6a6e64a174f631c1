import { rankAll } from "./arrange.js"
import { type ImageIndex, indexImages } from "./image-index.js"
import { isIgnored } from "./match-at.js"
import { overlap } from "./overlap.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** What is taken for what. The last row and column stand for the background. */
export interface ConfusionMatrix {
  /** Detections below this score are left out. */
  readonly scoreThreshold: number
  readonly iouThreshold: number
  /** K classes and "background". */
  readonly names: readonly string[]
  /** `[K + 1, K + 1]` counts: row = truth, column = detection. */
  readonly counts: readonly (readonly number[])[]
}

/** A detection and a truth of one image that overlap enough. */
interface Pair {
  readonly iou: number
  readonly sameClass: boolean
  readonly detection: number
  readonly truth: number
}

/**
 * Pairs truths and detections of each image whatever their classes, the greatest overlap first (of equal overlaps one of
 * the same class, then the better score), one to one. A truth left over counts as taken for background, a detection left
 * over as background taken for its class, unless it lies on a crowd or a difficult object.
 * @param onCount told of each that is counted: its place in `counts`, and its image
 */
export function confusionMatrix(
  truths: TruthTable,
  detections: DetectionTable,
  scoreThreshold: number,
  iouThreshold = 0.5,
  index: ImageIndex = indexImages(truths, detections, rankAll(truths, detections)),
  onCount: (truth: number, taken: number, image: number) => void = () => {},
): ConfusionMatrix {
  const classes = truths.categoryNames.length
  const counts = Array.from({ length: classes + 1 }, () => new Array<number>(classes + 1).fill(0))
  const count = (truth: number, taken: number, image: number) => {
    counts[truth]![taken]!++
    onCount(truth, taken, image)
  }
  const { order, starts } = index.detections
  const { order: truthOrder, starts: truthStarts } = index.truths
  const truthTaken = new Uint8Array(truths.image.length)
  for (let image = 0; image < truths.imageIds.length; image++) {
    const from = starts[image]!
    let to = from
    // Best score first: what comes behind is lower still.
    while (to < starts[image + 1]! && detections.scores[order[to]!]! >= scoreThreshold) to++
    const used = new Uint8Array(to - from)
    const pairs: Pair[] = []
    for (let at = from; at < to; at++) {
      const d = order[at]!
      for (let g = truthStarts[image]!; g < truthStarts[image + 1]!; g++) {
        const truth = truthOrder[g]!
        const iou = overlap(detections.boxesXywh, d * 4, truths.boxesXywh, truth * 4, truths.crowd[truth] === 1)
        if (iou < iouThreshold) continue
        if (isIgnored(truths, truth)) used[at - from] = 1
        else pairs.push({ iou, sameClass: detections.category[d] === truths.category[truth], detection: at, truth })
      }
    }
    // A stable sort: pairs were found by descending score, then in the order of the truths.
    pairs.sort((a, b) => b.iou - a.iou || Number(b.sameClass) - Number(a.sameClass))
    const paired = new Uint8Array(to - from)
    for (const { detection, truth } of pairs) {
      if (paired[detection - from] === 1 || truthTaken[truth] === 1) continue
      paired[detection - from] = 1
      truthTaken[truth] = 1
      count(truths.category[truth]!, detections.category[order[detection]!]!, image)
    }
    for (let g = truthStarts[image]!; g < truthStarts[image + 1]!; g++) {
      const truth = truthOrder[g]!
      if (truthTaken[truth] === 0 && !isIgnored(truths, truth)) count(truths.category[truth]!, classes, image)
    }
    for (let at = from; at < to; at++) {
      if (paired[at - from] === 0 && used[at - from] === 0) count(classes, detections.category[order[at]!]!, image)
    }
  }
  return { scoreThreshold, iouThreshold, names: [...truths.categoryNames, "background"], counts }
}
