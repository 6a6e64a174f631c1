import { type Boxes, boxCount } from "./boxes.js"
import { boxArea, intersectionOverArea } from "./iou.js"

export interface MatchOptions {
  /** A box whose best IoU is at least this is positive. */
  readonly positive: number
  /** A box whose best IoU is below this is negative; between the two it is neither. */
  readonly negative: number
  /** A box whose best IoU is below this is not negative either, where there are truths; 0 where left out. */
  readonly negativeFrom?: number
  /** Also make positive, for each truth, the boxes that overlap it most (ties included), however little that is. */
  readonly allowLowQualityMatches: boolean
}

/** What became of R boxes. */
export interface Matches {
  /** `[R]` the truth that each box overlaps most (the first of equals), or -1 where there are no truths at all. */
  readonly matchedIndex: Int32Array
  readonly positive: Uint8Array
  readonly negative: Uint8Array
}

/**
 * Decides for each box whether it is an object's, background, or neither. One pass over the pairs; the matrix of all
 * IoUs is never held, so hundreds of truths in a crowd cost time only.
 * @param boxes `[R * 4]` anchors or proposals
 * @param truths `[G * 4]` in the same frame; with G = 0 every box is negative
 * @source torchvision `Matcher`: a box made positive as a truth's best keeps its own best truth as target
 */
export function matchBoxes(boxes: Boxes, truths: Boxes, options: MatchOptions): Matches {
  const count = boxCount(boxes)
  const matchedIndex = new Int32Array(count).fill(truths.length === 0 ? -1 : 0)
  if (truths.length === 0)
    return { matchedIndex, positive: new Uint8Array(count), negative: new Uint8Array(count).fill(1) }
  const { negativeFrom = 0 } = options
  const best = new Float64Array(count)
  const positive = new Uint8Array(count)
  const areas = new Float64Array(count)
  for (let i = 0; i < count; i++) areas[i] = boxArea(boxes, i)
  for (let g = 0; g < boxCount(truths); g++) {
    const [left, top, right, bottom] = truths.subarray(4 * g, 4 * g + 4) as unknown as [number, number, number, number]
    const area = boxArea(truths, g)
    let most = 0
    let ties: number[] = []
    for (let i = 0, at = 0; i < count; i++, at += 4) {
      const width = Math.min(boxes[at + 2]!, right) - Math.max(boxes[at]!, left)
      if (width <= 0) continue
      const height = Math.min(boxes[at + 3]!, bottom) - Math.max(boxes[at + 1]!, top)
      if (height <= 0) continue
      const shared = width * height
      const overlap = shared / (areas[i]! + area - shared)
      if (overlap > best[i]!) {
        best[i] = overlap
        matchedIndex[i] = g
      }
      if (overlap > most) {
        most = overlap
        ties = [i]
      } else if (overlap === most) ties.push(i)
    }
    if (options.allowLowQualityMatches) for (const i of ties) positive[i] = 1
  }
  const negative = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    if (best[i]! >= options.positive) positive[i] = 1
    if (best[i]! < options.negative && best[i]! >= negativeFrom && positive[i] === 0) negative[i] = 1
  }
  return { matchedIndex, positive, negative }
}

/** A box with more than this share of its area in a crowd is not background. @source Detectron CROWD_FILTER_THRESH */
const crowdShare = 0.7

/** Takes out of the negatives, in place, the boxes that lie inside a crowd region `[C * 4]`: they are neither. */
export function ignoreCrowds(matches: Matches, boxes: Boxes, crowds: Boxes): void {
  if (crowds.length === 0) return
  for (let i = 0; i < matches.negative.length; i++) {
    if (matches.negative[i] && intersectionOverArea(boxes, i, crowds) > crowdShare) matches.negative[i] = 0
  }
}
