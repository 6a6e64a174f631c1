import { type Arrangement, arrange, walkImages } from "./arrange.js"
import { Accumulator } from "./coco-accumulate.js"
import { Matcher } from "./coco-match.js"
import { type CocoOptions, cocoOptions } from "./coco-options.js"
import { type CocoSummary, summarizeCoco } from "./coco-summary.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** Everything pycocotools keeps after `accumulate`, and its 12 numbers. -1 stands where there is nothing to measure. */
export interface CocoEvaluation {
  readonly options: CocoOptions
  /** T IoU thresholds, R recall thresholds, K classes, A area ranges, M limits of detections. */
  readonly shape: readonly [T: number, R: number, K: number, A: number, M: number]
  /** `[T, R, K, A, M]` */
  readonly precision: Float64Array
  /** `[T, K, A, M]` */
  readonly recall: Float64Array
  /** `[T, R, K, A, M]` the score at which each recall is reached. */
  readonly scores: Float64Array
  /** The 12 numbers in pycocotools' order. */
  readonly stats: Float64Array
  /** The 12 numbers by name. */
  readonly summary: CocoSummary
}

/**
 * COCO's box evaluation: evaluate, accumulate and summarize, equal to pycocotools to the last bit (but for truths with
 * id 0, see `CocoOptions.truthIdZero`). Detections of unknown classes take no part.
 * @throws UsageError for an unknown option or a value out of range
 * @source pycocotools 2.0.11 cocoeval.py
 */
export function evaluateCoco(
  truths: TruthTable,
  detections: DetectionTable,
  overrides: Partial<CocoOptions> = {},
): CocoEvaluation {
  return evaluateArranged(truths, detections, arrange(truths, detections), overrides)
}

/** `evaluateCoco` for detections and truths that are in order already. */
export function evaluateArranged(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  overrides: Partial<CocoOptions> = {},
): CocoEvaluation {
  const options = cocoOptions(overrides)
  const categoryCount = truths.categoryIds.length
  const matching = new CategoryMatching(truths, detections, options)
  const accumulator = new Accumulator(options, categoryCount)
  for (let k = 0; k < categoryCount; k++) {
    const from = arranged.ranking.starts[k]!
    const to = arranged.ranking.starts[k + 1]!
    const inTruths = arranged.truths.order.subarray(arranged.truths.starts[k], arranged.truths.starts[k + 1])
    if (inTruths.length === 0) continue
    const ranks = arranged.ranking.order.subarray(from, to)
    matching.run(ranks, arranged.cells.subarray(from, to), inTruths)
    accumulator.add(k, ranks, detections.scores, matching)
  }
  const shape = accumulator.shape
  const { precision, recall, scores } = accumulator
  const { stats, summary } = summarizeCoco(options, shape, precision, recall)
  return { options, shape, precision, recall, scores, stats, summary }
}

/** The matches of one class in all images, laid out in ranking order so that `Accumulator` reads them straight through. */
export class CategoryMatching {
  /** `[A * size]` bit t: matched at threshold t. */
  matched = new Uint32Array(0)
  /** `[A * size]` bit t: neither right nor wrong at threshold t. */
  ignored = new Uint32Array(0)
  /** `[size]` place among the detections of its image and class. */
  rank = new Int32Array(0)
  /** How far apart the area ranges lie in `matched` and `ignored`. */
  size = 0
  /** `[A]` truths that count. */
  readonly counted: Int32Array
  readonly #truths: TruthTable
  readonly #detections: DetectionTable
  readonly #options: CocoOptions
  readonly #matcher: Matcher
  readonly #place: Int32Array
  readonly #most: number
  #ignore = new Uint8Array(64)
  readonly #groupMatched: Uint32Array
  readonly #groupIgnored: Uint32Array

  constructor(truths: TruthTable, detections: DetectionTable, options: CocoOptions) {
    this.#truths = truths
    this.#detections = detections
    this.#options = options
    this.#matcher = new Matcher(truths, options)
    this.#place = new Int32Array(detections.image.length)
    this.#most = options.maxDetections.at(-1)!
    this.#groupMatched = new Uint32Array(this.#most)
    this.#groupIgnored = new Uint32Array(this.#most)
    this.counted = new Int32Array(options.areaRanges.length)
  }

  /**
   * @param ranked detections of the class by descending score, then image, then file order
   * @param grouped the same detections by image, then descending score
   * @param truths truths of the class by image, then file order
   */
  run(ranked: Int32Array, grouped: Int32Array, truths: Int32Array): void {
    const size = ranked.length
    this.#reserve(size)
    this.counted.fill(0)
    for (let i = 0; i < size; i++) this.#place[ranked[i]!] = i
    walkImages(grouped, this.#detections.image, truths, this.#truths.image, (inImage, truthsInImage) =>
      this.#runImage(inImage, truthsInImage),
    )
  }

  #runImage(all: Int32Array, truths: Int32Array): void {
    const place = this.#place
    for (let d = 0; d < all.length; d++) this.rank[place[all[d]!]!] = d
    const detections = all.length > this.#most ? all.subarray(0, this.#most) : all
    const boxes = this.#detections.boxesXywh
    const everyThreshold = -1 >>> (32 - this.#options.iouThresholds.length)
    if (truths.length > 0 && detections.length > 0) this.#matcher.measure(boxes, detections, truths)
    for (let a = 0; a < this.#options.areaRanges.length; a++) {
      const { from, to } = this.#options.areaRanges[a]!
      const offset = a * this.size
      if (truths.length > 0) {
        this.#markIgnored(truths, from, to, a)
        if (detections.length > 0)
          this.#matcher.match(detections.length, truths, this.#ignore, this.#groupMatched, this.#groupIgnored)
      }
      for (let d = 0; d < detections.length; d++) {
        const box = detections[d]! * 4
        const area = boxes[box + 2]! * boxes[box + 3]!
        const matched = truths.length > 0 ? this.#groupMatched[d]! : 0
        const ignored = truths.length > 0 ? this.#groupIgnored[d]! : 0
        const outside = area < from || area > to ? everyThreshold & ~matched : 0
        const at = offset + place[detections[d]!]!
        this.matched[at] = matched
        this.ignored[at] = ignored | outside
      }
    }
  }

  #markIgnored(truths: Int32Array, from: number, to: number, a: number): void {
    const { areas, crowd, difficult } = this.#truths
    const skipDifficult = this.#options.difficult === "ignored"
    if (this.#ignore.length < truths.length) this.#ignore = new Uint8Array(2 * truths.length)
    for (let g = 0; g < truths.length; g++) {
      const truth = truths[g]!
      const area = areas[truth]!
      const skipped = crowd[truth] === 1 || area < from || area > to || (skipDifficult && difficult[truth] === 1)
      this.#ignore[g] = skipped ? 1 : 0
      if (!skipped) this.counted[a]!++
    }
  }

  #reserve(size: number): void {
    if (this.rank.length < size) {
      this.rank = new Int32Array(size)
      this.matched = new Uint32Array(size * this.#options.areaRanges.length)
      this.ignored = new Uint32Array(size * this.#options.areaRanges.length)
    }
    this.size = size
  }
}
