import { type Arrangement, arrange } from "./arrange.js"
import { accumulate, asPycocotools, type CocoCurves, type CocoShape } from "./coco-accumulate.js"
import { type CocoMatches, matchCoco } from "./coco-match.js"
import { type CocoOptions, cocoOptions } from "./coco-options.js"
import { type CocoSummary, summarizeCoco } from "./coco-summary.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** Everything pycocotools keeps after `accumulate`, and its 12 numbers. -1 stands where there is nothing to measure. */
export interface CocoEvaluation {
  readonly options: CocoOptions
  /** T IoU thresholds, R recall thresholds, K classes, A area ranges, M limits of detections. */
  readonly shape: CocoShape
  /** `[T, R, K, A, M]`, made when it is first asked for. */
  readonly precision: Float64Array
  /** `[T, K, A, M]` */
  readonly recall: Float64Array
  /** `[T, R, K, A, M]` the score at which each recall is reached; made when it is first asked for. */
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
  const options = cocoOptions(overrides)
  const arranged = arrange(truths, detections)
  const matches = matchCoco(truths, detections, arranged, options)
  return evaluateMatches(arranged, detections.scores, matches, options)
}

/** `evaluateCoco` for what is matched already. */
export function evaluateMatches(
  arranged: Arrangement,
  scores: Float64Array,
  matches: CocoMatches,
  options: CocoOptions,
): MatchedEvaluation {
  return new MatchedEvaluation(options, accumulate(arranged, scores, matches, options))
}

export class MatchedEvaluation implements CocoEvaluation {
  readonly options: CocoOptions
  readonly shape: CocoShape
  readonly stats: Float64Array
  readonly summary: CocoSummary
  /** The same numbers class by class. */
  readonly curves: CocoCurves
  #precision: Float64Array | undefined
  #scores: Float64Array | undefined
  #recall: Float64Array | undefined

  constructor(options: CocoOptions, curves: CocoCurves) {
    this.options = options
    this.curves = curves
    this.shape = curves.shape
    const { stats, summary } = summarizeCoco(options, curves)
    this.stats = stats
    this.summary = summary
  }

  get precision(): Float64Array {
    this.#precision ??= asPycocotools(this.curves.precision, this.shape)
    return this.#precision
  }

  get scores(): Float64Array {
    this.#scores ??= asPycocotools(this.curves.scores, this.shape)
    return this.#scores
  }

  get recall(): Float64Array {
    const [T, , K, A, M] = this.shape
    this.#recall ??= asPycocotools(this.curves.recall, [T, 1, K, A, M])
    return this.#recall
  }
}
