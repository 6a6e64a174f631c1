import type { CategoryMatching } from "./coco.js"
import type { CocoOptions } from "./coco-options.js"

/** np.spacing(1): keeps pycocotools' precision from dividing by zero. */
const SPACING = 2 ** -52

/**
 * Turns the matches of one class after another into precision, recall and scores at fixed recalls.
 *
 * Precision falls at every false positive and rises only at true positives, so its envelope needs the true positives
 * alone: the numbers are those of pycocotools' walk over every detection, to the bit.
 * @source pycocotools cocoeval.py accumulate
 */
export class Accumulator {
  readonly shape: readonly [number, number, number, number, number]
  readonly precision: Float64Array
  readonly recall: Float64Array
  readonly scores: Float64Array
  readonly #options: CocoOptions
  #falseBefore = new Float64Array(0)
  #scoreAt = new Float64Array(0)

  constructor(options: CocoOptions, categoryCount: number) {
    this.#options = options
    const [T, R, A, M] = [
      options.iouThresholds.length,
      options.recallThresholds.length,
      options.areaRanges.length,
      options.maxDetections.length,
    ]
    this.shape = [T, R, categoryCount, A, M]
    this.precision = new Float64Array(T * R * categoryCount * A * M).fill(-1)
    this.recall = new Float64Array(T * categoryCount * A * M).fill(-1)
    this.scores = new Float64Array(T * R * categoryCount * A * M).fill(-1)
  }

  /**
   * @param ranked the class's detections by descending score, then image, then file order
   * @param scores of all detections
   */
  add(k: number, ranked: Int32Array, scores: Float64Array, matching: CategoryMatching): void {
    const [, , , A, M] = this.shape
    for (let a = 0; a < A; a++) {
      if (matching.counted[a] === 0) continue
      for (let m = 0; m < M; m++) this.#addCurve(k, a, m, ranked, scores, matching)
    }
  }

  #addCurve(
    k: number,
    a: number,
    m: number,
    ranked: Int32Array,
    scores: Float64Array,
    matching: CategoryMatching,
  ): void {
    const [T, , K, A, M] = this.shape
    const limit = this.#options.maxDetections[m]!
    const truths = matching.counted[a]!
    const { size, rank, matched, ignored } = matching
    const everyThreshold = -1 >>> (32 - T)
    if (this.#falseBefore.length < T * truths) {
      this.#falseBefore = new Float64Array(T * truths)
      this.#scoreAt = new Float64Array(T * truths)
    }
    const falseBefore = this.#falseBefore
    const scoreAt = this.#scoreAt
    const truePositives = new Int32Array(T)
    const falsePositives = new Int32Array(T)
    let falseAtAll = 0
    let firstScore = 0
    let seen = 0
    for (let i = 0, at = a * size; i < size; i++, at++) {
      if (rank[i]! >= limit) continue
      if (seen++ === 0) firstScore = scores[ranked[i]!]!
      const counts = everyThreshold & ~ignored[at]!
      const right = counts & matched[at]!
      const wrong = counts & ~matched[at]!
      if (wrong === everyThreshold) {
        falseAtAll++
        continue
      }
      for (let t = 0; t < T; t++) {
        const bit = 1 << t
        if ((wrong & bit) !== 0) falsePositives[t]!++
        else if ((right & bit) !== 0) {
          const place = t * truths + truePositives[t]!++
          falseBefore[place] = falsePositives[t]! + falseAtAll
          scoreAt[place] = scores[ranked[i]!]!
        }
      }
    }
    for (let t = 0; t < T; t++) {
      const found = truePositives[t]!
      this.recall[((t * K + k) * A + a) * M + m] = found / truths
      this.#interpolate(t, k, a, m, truths, found, firstScore)
    }
  }

  #interpolate(t: number, k: number, a: number, m: number, truths: number, found: number, firstScore: number): void {
    const [, R, K, A, M] = this.shape
    const start = t * truths
    // From here on #falseBefore holds the envelope of precision instead.
    const envelope = this.#falseBefore
    let highest = 0
    for (let n = found; n >= 1; n--) {
      const precision = n / (envelope[start + n - 1]! + n + SPACING)
      if (precision > highest) highest = precision
      envelope[start + n - 1] = highest
    }
    let n = 0
    for (let r = 0; r < R; r++) {
      const recall = this.#options.recallThresholds[r]!
      while (n <= found && n / truths < recall) n++
      const at = (((t * R + r) * K + k) * A + a) * M + m
      const reached = n <= found
      this.precision[at] = !reached ? 0 : n === 0 ? highest : envelope[start + n - 1]!
      this.scores[at] = !reached ? 0 : n === 0 ? firstScore : this.#scoreAt[start + n - 1]!
    }
  }
}
