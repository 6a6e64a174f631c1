import type { Arrangement } from "./arrange.js"
import { type MatchesAt, RIGHT, WRONG } from "./match-at.js"
import type { DetectionTable } from "./tables.js"

/** The score from which to keep detections for the highest F1, and what that gives. */
export interface BestThreshold {
  readonly score: number
  readonly precision: number
  readonly recall: number
  /** F1, or F-beta where another beta was asked for. */
  readonly f1: number
}

/**
 * The best score threshold of all classes pooled, and of each class; undefined where nothing is right at any threshold.
 * Of equal F1 the highest threshold is taken.
 * @param ranked positions of all detections, best score first
 */
export function bestThresholds(
  detections: DetectionTable,
  arranged: Arrangement,
  ranked: Int32Array,
  matches: MatchesAt,
  beta = 1,
): { overall: BestThreshold | undefined; perClass: (BestThreshold | undefined)[] } {
  const { order, starts } = arranged.ranking
  const truths = matches.counted.reduce((sum, count) => sum + count, 0)
  return {
    overall: best(ranked, truths, detections.scores, matches.state, beta),
    perClass: Array.from(matches.counted, (count, k) =>
      best(order.subarray(starts[k], starts[k + 1]), count, detections.scores, matches.state, beta),
    ),
  }
}

function best(
  ranked: Int32Array,
  truths: number,
  scores: Float64Array,
  state: Uint8Array,
  beta: number,
): BestThreshold | undefined {
  let right = 0
  let wrong = 0
  let found: BestThreshold | undefined
  for (let i = 0; i < ranked.length; i++) {
    const d = ranked[i]!
    if (state[d] === RIGHT) right++
    else if (state[d] === WRONG) wrong++
    const score = scores[d]!
    if (i + 1 < ranked.length && scores[ranked[i + 1]!] === score) continue
    // With beta 1 this is 2 * right / (right + wrong + truths).
    const f1 = ((1 + beta * beta) * right) / (right + wrong + beta * beta * truths)
    if (right > 0 && f1 > (found?.f1 ?? 0)) {
      found = { score, precision: right / (right + wrong), recall: right / truths, f1 }
    }
  }
  return found
}
