import { UsageError } from "../core/errors.js"
import { rankAll } from "./arrange.js"
import { type BestThreshold, bestThresholds } from "./best-threshold.js"
import { RIGHT, WRONG } from "./match-at.js"
import type { MatchedDetections } from "./matched.js"

/** The detections whose scores lie in one bin. */
export interface CalibrationBin {
  /** Scores from here, inside. */
  readonly from: number
  /** To here, outside; inside in the last bin. */
  readonly to: number
  readonly detections: number
  /** Mean score; NaN in an empty bin. */
  readonly confidence: number
  /** Share of right ones at IoU 0.5; NaN in an empty bin. */
  readonly precision: number
}

/** Whether scores mean what they say: of detections with a score of 0.8, are 80 % right? */
export interface Calibration {
  /** Expected calibration error: the mean distance of confidence and precision, by detections. NaN without any. */
  readonly ece: number
  /** The greatest distance in any bin that has detections. */
  readonly mce: number
  readonly bins: readonly CalibrationBin[]
}

/**
 * The reliability table of scores in 0..1 at IoU 0.5; detections on crowds and difficult objects take no part.
 * @source Guo et al. 2017 "On Calibration of Modern Neural Networks", section 2: bins of equal width
 */
export function calibration({ detections, at50 }: MatchedDetections, binCount = 10): Calibration {
  if (!Number.isInteger(binCount) || binCount < 1) {
    throw new UsageError(`calibration: expected a whole number of bins, 1 or more, got ${binCount}`)
  }
  const counts = new Int32Array(binCount)
  const right = new Int32Array(binCount)
  const sums = new Float64Array(binCount)
  for (let d = 0; d < at50.state.length; d++) {
    const state = at50.state[d]
    if (state !== RIGHT && state !== WRONG) continue
    const score = detections.scores[d]!
    const bin = Math.min(binCount - 1, Math.max(0, Math.floor(score * binCount)))
    counts[bin]!++
    sums[bin]! += score
    if (state === RIGHT) right[bin]!++
  }
  const all = counts.reduce((sum, count) => sum + count, 0)
  const bins = Array.from(counts, (count, i) => ({
    from: i / binCount,
    to: (i + 1) / binCount,
    detections: count,
    confidence: sums[i]! / count,
    precision: right[i]! / count,
  }))
  const filled = bins.filter((bin) => bin.detections > 0)
  const distance = (bin: CalibrationBin) => Math.abs(bin.confidence - bin.precision)
  return {
    ece: all === 0 ? Number.NaN : filled.reduce((sum, bin) => sum + (bin.detections / all) * distance(bin), 0),
    mce: all === 0 ? Number.NaN : filled.reduce((most, bin) => Math.max(most, distance(bin)), 0),
    bins,
  }
}

/** The score thresholds with the highest F-beta; undefined where nothing is right. */
export interface FBetaThresholds {
  readonly beta: number
  readonly overall: BestThreshold | undefined
  /** `[K]` */
  readonly perClass: readonly (BestThreshold | undefined)[]
}

/**
 * The score thresholds with the highest F-beta, of all classes pooled and of each class: `beta` 2 weighs recall higher,
 * 0.5 precision.
 * @throws UsageError unless beta is above 0
 */
export function fBetaThresholds(
  { truths, detections, arranged, at50 }: MatchedDetections,
  beta: number,
): FBetaThresholds {
  if (!(beta > 0)) throw new UsageError(`fBetaThresholds: expected beta to be above 0, got ${beta}`)
  return { beta, ...bestThresholds(detections, arranged, rankAll(truths, detections), at50, beta) }
}
