import { DataError } from "../core/errors.js"
import type { Arrangement } from "./arrange.js"
import type { CocoMatches } from "./coco-match.js"
import type { CocoOptions } from "./coco-options.js"

/** np.spacing(1): keeps pycocotools' precision from dividing by zero. */
const SPACING = 2 ** -52

/** Of precision and scores: 22,000 categories with COCO's parameters. A file of a megabyte may name more. @source ours */
const MOST_BYTES = 4 * 2 ** 30

/** How many thresholds, recalls, classes, area ranges and limits of detections there are. */
export type CocoShape = readonly [T: number, R: number, K: number, A: number, M: number]

/** Precision, recall and scores class by class, so that what belongs to one curve lies together; -1 where unmeasured. */
export interface CocoCurves {
  readonly shape: CocoShape
  /** `[K, A, M, T, R]` */
  readonly precision: Float64Array
  /** `[K, A, M, T, R]` the score at which each recall is reached. */
  readonly scores: Float64Array
  /** `[K, A, M, T]` */
  readonly recall: Float64Array
}

/**
 * Turns matches into precision, recall and scores at fixed recalls.
 *
 * Precision falls at every false positive and rises only at true positives, so its envelope needs the true positives
 * alone: the numbers are those of pycocotools' walk over every detection, to the bit.
 * @param scores of all detections
 * @param limits at which precision and scores are made: of `last` those at the highest one, -1 at the others
 * @source pycocotools cocoeval.py accumulate
 */
export function accumulate(
  { ranking }: Arrangement,
  scores: Float64Array,
  matches: CocoMatches,
  options: CocoOptions,
  limits: "all" | "last" = "all",
): CocoCurves {
  const { order, starts } = ranking
  const classes = starts.length - 1
  const curves = new CurveMaker(options, classes, limits)
  const A = options.areaRanges.length
  const ranked = new Float64Array(order.length)
  for (let p = 0; p < order.length; p++) ranked[p] = scores[order[p]!]!
  for (let k = 0; k < classes; k++) {
    for (let a = 0; a < A; a++) curves.add(k, a, starts[k]!, starts[k + 1]!, ranked, matches)
  }
  return curves
}

class CurveMaker implements CocoCurves {
  readonly shape: CocoShape
  readonly precision: Float64Array
  readonly recall: Float64Array
  readonly scores: Float64Array
  readonly #limits: Int32Array
  /** The first limit at which precision is made. */
  readonly #firstCurve: number
  readonly #recalls: Float64Array
  /** `[R]` how many truths must be found to reach each recall. */
  readonly #needed: Int32Array
  readonly #truePositives: Int32Array
  readonly #falsePositives: Int32Array
  /** `[T, truths]` false positives before each true one, later the envelope of precision. */
  #falseBefore = new Float64Array(0)
  #scoreAt = new Float64Array(0)

  constructor(options: CocoOptions, classes: number, limits: "all" | "last") {
    const T = options.iouThresholds.length
    const R = options.recallThresholds.length
    const A = options.areaRanges.length
    const M = options.maxDetections.length
    this.shape = [T, R, classes, A, M]
    const bytes = 2 * Float64Array.BYTES_PER_ELEMENT * T * R * classes * A * M
    if (bytes > MOST_BYTES) {
      const size = (bytes / 2 ** 30).toFixed(0)
      throw new DataError(
        `The curves of ${classes} categories would take ${size} GB. Score a part of them: --categories`,
      )
    }
    this.precision = new Float64Array(T * R * classes * A * M).fill(-1)
    this.scores = new Float64Array(T * R * classes * A * M).fill(-1)
    this.recall = new Float64Array(T * classes * A * M).fill(-1)
    this.#firstCurve = limits === "last" ? M - 1 : 0
    this.#limits = Int32Array.from(options.maxDetections)
    this.#recalls = Float64Array.from(options.recallThresholds)
    this.#needed = new Int32Array(R)
    this.#truePositives = new Int32Array(T)
    this.#falsePositives = new Int32Array(T)
  }

  /** Adds the curves of class `k`, whose places go from `from` to `to`, in area range `a`. */
  add(k: number, a: number, from: number, to: number, ranked: Float64Array, matches: CocoMatches): void {
    const [T, , , A, M] = this.shape
    const truths = matches.counted[k * A + a]!
    if (truths === 0) return
    if (this.#falseBefore.length < T * truths) {
      this.#falseBefore = new Float64Array(T * truths)
      this.#scoreAt = new Float64Array(T * truths)
    }
    for (let r = 0, n = 0; r < this.#recalls.length; r++) {
      const recall = this.#recalls[r]!
      if (r > 0 && recall < this.#recalls[r - 1]!) n = 0
      while (n <= truths && n / truths < recall) n++
      this.#needed[r] = n
    }
    for (let m = 0; m < M; m++) {
      const first = this.#walk(a, this.#limits[m]!, from, to, truths, ranked, matches)
      const curve = ((k * A + a) * M + m) * T
      for (let t = 0; t < T; t++) {
        this.recall[curve + t] = this.#truePositives[t]! / truths
        if (m >= this.#firstCurve) this.#interpolate(curve + t, t, truths, first)
      }
    }
  }

  /** Counts true and false positives from the best score down. @returns the first score */
  #walk(
    a: number,
    limit: number,
    from: number,
    to: number,
    truths: number,
    ranked: Float64Array,
    { matched, ignored, rank }: CocoMatches,
  ): number {
    const T = this.shape[0]
    const every = (-1 >>> (32 - T)) | 0
    const truePositives = this.#truePositives.fill(0)
    const falsePositives = this.#falsePositives.fill(0)
    const falseBefore = this.#falseBefore
    const scoreAt = this.#scoreAt
    const offset = a * rank.length
    let falseAtAll = 0
    let first = -1
    for (let p = from; p < to; p++) {
      if (rank[p]! >= limit) continue
      if (first < 0) first = p
      const hit = matched[offset + p]!
      const counts = every & ~ignored[offset + p]!
      const right = counts & hit
      const wrong = counts & ~hit
      if (wrong === every) {
        falseAtAll++
        continue
      }
      if ((right | wrong) === 0) continue
      const score = ranked[p]!
      for (let t = 0; t < T; t++) {
        const bit = 1 << t
        if ((wrong & bit) !== 0) falsePositives[t]!++
        else if ((right & bit) !== 0) {
          const place = t * truths + truePositives[t]!++
          falseBefore[place] = falsePositives[t]! + falseAtAll
          scoreAt[place] = score
        }
      }
    }
    return first < 0 ? 0 : ranked[first]!
  }

  #interpolate(curve: number, t: number, truths: number, firstScore: number): void {
    const R = this.#recalls.length
    const found = this.#truePositives[t]!
    const start = t * truths
    const envelope = this.#falseBefore
    let highest = 0
    for (let n = found; n >= 1; n--) {
      const precision = n / (envelope[start + n - 1]! + n + SPACING)
      if (precision > highest) highest = precision
      envelope[start + n - 1] = highest
    }
    let reached = true
    for (let r = 0, at = curve * R; r < R; r++, at++) {
      const n = this.#needed[r]!
      // pycocotools stops at the first recall that is not reached, whatever comes behind it.
      reached &&= n <= found
      this.precision[at] = !reached ? 0 : n === 0 ? highest : envelope[start + n - 1]!
      this.scores[at] = !reached ? 0 : n === 0 ? firstScore : this.#scoreAt[start + n - 1]!
    }
  }
}

/** `[K, A, M, T, R]` as pycocotools' `[T, R, K, A, M]`. */
export function asPycocotools(values: Float64Array, [T, R, K, A, M]: CocoShape): Float64Array {
  const turned = new Float64Array(values.length)
  const rows = K * A * M
  const columns = T * R
  // A few columns at a time, so that what is read stays in the processor's cache.
  for (let first = 0; first < columns; first += 8) {
    const last = Math.min(columns, first + 8)
    for (let row = 0; row < rows; row++) {
      for (let column = first; column < last; column++) turned[column * rows + row] = values[row * columns + column]!
    }
  }
  return turned
}
