import type { Arrangement } from "./arrange.js"
import type { BestThreshold } from "./best-threshold.js"
import { accumulate, type CocoCurves } from "./coco-accumulate.js"
import type { CocoMatches } from "./coco-match.js"
import type { CocoOptions } from "./coco-options.js"
import { type CocoSummary, meanOfMeasured, meanPrecision, meanRecall, summarizeCoco } from "./coco-summary.js"
import type { MatchesAt } from "./match-at.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** One class. Figures are 0..1 and NaN where there is nothing to measure. */
export interface ClassReport {
  readonly name: string
  readonly categoryId: number
  readonly truths: number
  /** How many of the truths are crowds or difficult objects, which count neither when found nor when missed. */
  readonly ignored: number
  readonly detections: number
  readonly AP: number
  readonly AP50: number
  readonly AP75: number
  readonly APs: number
  readonly APm: number
  readonly APl: number
  /** COCO's AR100. */
  readonly AR: number
  readonly bestThreshold: BestThreshold | undefined
  /** At IoU 0.5: precision and the score it needs, at recalls 0, 0.01, ... 1; empty without truths. */
  readonly curve: PrecisionRecallCurve
}

export interface PrecisionRecallCurve {
  readonly recall: readonly number[]
  readonly precision: readonly number[]
  readonly scores: readonly number[]
}

/** What the report takes from COCO's curves, which are large where there are many classes, and are let go here. */
export function cocoFigures(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  cocoMatches: CocoMatches,
  options: CocoOptions,
  matches: MatchesAt,
  best: readonly (BestThreshold | undefined)[],
): { coco: CocoSummary; perClass: ClassReport[]; curve: PrecisionRecallCurve } {
  const curves = accumulate(arranged, detections.scores, cocoMatches, options, "last")
  const { summary } = summarizeCoco(options, curves)
  const recalls = options.recallThresholds
  const all = truths.categoryNames.map((_, k) => k)
  return {
    coco: summary,
    perClass: all.map((k) => classReport(truths, arranged, curves, recalls, k, matches.counted[k]!, best[k])),
    curve: curveOf(curves, recalls, all),
  }
}

function classReport(
  truths: TruthTable,
  { ranking, truths: { starts } }: Arrangement,
  curves: CocoCurves,
  recalls: readonly number[],
  k: number,
  counted: number,
  bestThreshold: BestThreshold | undefined,
): ClassReport {
  const all = starts[k + 1]! - starts[k]!
  const [T, , , , M] = curves.shape
  const thresholds = Array.from({ length: T }, (_, t) => t)
  const ap = (ts: readonly number[], a: number) => measured(meanPrecision(curves, ts, [k], a, M - 1))
  return {
    name: truths.categoryNames[k]!,
    categoryId: truths.categoryIds[k]!,
    truths: all,
    ignored: all - counted,
    detections: ranking.starts[k + 1]! - ranking.starts[k]!,
    AP: ap(thresholds, 0),
    AP50: ap([0], 0),
    AP75: ap([5], 0),
    APs: ap(thresholds, 1),
    APm: ap(thresholds, 2),
    APl: ap(thresholds, 3),
    AR: measured(meanRecall(curves, [k], 0, M - 1)),
    bestThreshold,
    curve: curveOf(curves, recalls, [k]),
  }
}

/** The curve at IoU 0.5, all sizes, best 100 detections, as a mean over `classes`. */
function curveOf(
  { shape, precision, scores }: CocoCurves,
  recalls: readonly number[],
  classes: readonly number[],
): PrecisionRecallCurve {
  const [T, R, , A, M] = shape
  const here = new Float64Array(classes.length)
  const mean = (values: Float64Array, r: number) => {
    for (let i = 0; i < here.length; i++) here[i] = values[(classes[i]! * A * M + M - 1) * T * R + r]!
    return meanOfMeasured(here)
  }
  if (mean(precision, 0) === -1) return { recall: [], precision: [], scores: [] }
  return {
    recall: [...recalls],
    precision: recalls.map((_, r) => mean(precision, r)),
    scores: recalls.map((_, r) => mean(scores, r)),
  }
}

/** -1, pycocotools' "nothing to measure", as NaN. */
export function measured(value: number): number {
  return value === -1 ? Number.NaN : value
}
