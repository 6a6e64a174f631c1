import { boxesOfSide, clipBoxes, takeBoxes } from "../boxes/clip.js"
import { decodeBoxes, rpnCoderWeights } from "../boxes/coder.js"
import { nms } from "../boxes/nms.js"
import { orderByScore } from "../boxes/order.js"
import { voteBoxes, voteIou } from "../boxes/vote.js"

/** R boxes of one class, with how sure it is that an object of the class is there. */
export type ScoredBoxes = {
  /** `[R * 4]` x1, y1, x2, y2 in the frame the giver names. */
  readonly boxes: Float32Array
  /** `[R]` 0..1. */
  readonly scores: Float32Array
}

/** A box with a side shorter than this, in input pixels, is dropped. */
const minSide = 1e-3

/**
 * The best anchors of one class, moved by their deltas and cut to the image.
 * @param anchors `[R * 4]` input pixels
 * @param logits `[R]`
 * @param deltas `[R * 4]`
 * @param size `[height, width]`
 * @returns at most `limit` boxes in input pixels, best score first
 */
export function scoreBoxes(
  anchors: Float32Array,
  logits: Float32Array,
  deltas: Float32Array,
  size: readonly [number, number],
  limit: number,
): ScoredBoxes {
  const best = orderByScore(logits, limit)
  const boxes = decodeBoxes(takeBoxes(deltas, best), takeBoxes(anchors, best), rpnCoderWeights)
  clipBoxes(boxes, size)
  const sized = boxesOfSide(boxes, minSide)
  return { boxes: takeBoxes(boxes, sized), scores: Float32Array.from(sized, (i) => sigmoid(logits[best[i]!]!)) }
}

/** The boxes of several views of one image, in one list. */
export function joinScoredBoxes(parts: readonly ScoredBoxes[]): ScoredBoxes {
  return {
    boxes: Float32Array.from(parts.flatMap(({ boxes }) => [...boxes])),
    scores: Float32Array.from(parts.flatMap(({ scores }) => [...scores])),
  }
}

/**
 * The best proposals for a second look, those that repeat a better one left out.
 * @returns at most `limit`, best score first
 */
export function thinBoxes(
  { boxes, scores }: ScoredBoxes,
  { limit, nmsThreshold }: { limit: number; nmsThreshold: number },
): ScoredBoxes {
  const kept = nms(boxes, scores, { threshold: nmsThreshold, limit })
  return { boxes: takeBoxes(boxes, kept), scores: Float32Array.from(kept, (i) => scores[i]!) }
}

export interface PickOptions {
  /** `best`: the best-scored box. `vote`: the mean of the boxes around it, weighted by their scores. */
  readonly merge: "best" | "vote"
  /** From which IoU with the best box a box has a vote. */
  readonly voteIou: number
}

/**
 * @source the ResNet paper's appendix C does not say how one box is chosen; `vote` is the box voting of its appendix B
 * (Gidaris and Komodakis 2015, IoU 0.5), close to the averaging of Simonyan and Zisserman 2015, appendix A
 */
export const pickDefaults: PickOptions = { merge: "best", voteIou }

/** The one box of a class; `undefined` where there are none. Its score is the best box's. */
export function pickBox(
  found: ScoredBoxes,
  { merge, voteIou }: PickOptions,
): { readonly box: Float32Array; readonly score: number } | undefined {
  const [best] = orderByScore(found.scores, 1)
  if (best === undefined) return undefined
  const box = found.boxes.slice(4 * best, 4 * best + 4)
  return { box: merge === "vote" ? voteBoxes(box, found, voteIou) : box, score: found.scores[best]! }
}

/** A logit as a score. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}
