import { type Boxes, boxCount } from "./boxes.js"
import { boxArea, coveredShare, intersection } from "./iou.js"

export interface MatchOptions {
  /** A box whose best IoU is at least this is positive. */
  readonly positive: number
  /** A box whose best IoU is below this is negative; between the two it is neither. */
  readonly negative: number
  /** Also make positive, for each truth, the boxes that overlap it most (ties included), however little that is. */
  readonly bestOfEachTruth: boolean
}

/** What became of R boxes. */
export interface Matches {
  /** `[R]` the truth that each box overlaps most (the first of equals), or -1 where there are no truths at all. */
  readonly truth: Int32Array
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
  const truth = new Int32Array(count).fill(-1)
  const best = new Float64Array(count).fill(-1)
  const bestOfTruths = new Set<number>()
  const areas = Float64Array.from({ length: count }, (_, i) => boxArea(boxes, i))
  for (let g = 0; g < boxCount(truths); g++) {
    const area = boxArea(truths, g)
    let most = 0
    let ties: number[] = []
    for (let i = 0; i < count; i++) {
      const shared = intersection(boxes, i, truths, g)
      const overlap = shared === 0 ? 0 : shared / (areas[i]! + area - shared)
      if (overlap > best[i]!) {
        best[i] = overlap
        truth[i] = g
      }
      if (overlap > most) {
        most = overlap
        ties = [i]
      } else if (overlap === most && overlap > 0) ties.push(i)
    }
    if (options.bestOfEachTruth) for (const i of ties) bestOfTruths.add(i)
  }
  const positive = Uint8Array.from(best, (overlap) => Number(overlap >= options.positive))
  for (const i of bestOfTruths) positive[i] = 1
  const negative = Uint8Array.from(best, (overlap, i) => Number(overlap < options.negative && !positive[i]))
  return { truth, positive, negative }
}

/** A box with more than this share of its area in a crowd is not background. @source Detectron CROWD_FILTER_THRESH */
const crowdShare = 0.7

/** Takes out of the negatives, in place, the boxes that lie inside a crowd region `[C * 4]`: they are neither. */
export function spareCrowds(matches: Matches, boxes: Boxes, crowds: Boxes): void {
  if (crowds.length === 0) return
  for (let i = 0; i < matches.negative.length; i++) {
    if (matches.negative[i] && coveredShare(boxes, i, crowds) > crowdShare) matches.negative[i] = 0
  }
}
