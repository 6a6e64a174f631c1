import type { Detections } from "../boxes/boxes.js"
import { withDefaults } from "../tensor/options.js"
import { type Arrangement, arrange, rankAll } from "./arrange.js"
import { type BestThreshold, bestThresholds } from "./best-threshold.js"
import { evaluateMatches } from "./coco.js"
import type { CocoCurves } from "./coco-accumulate.js"
import { type CocoMatches, matchCoco } from "./coco-match.js"
import { type CocoOptions, cocoDefaults, cocoOptions } from "./coco-options.js"
import { type CocoSummary, meanOfMeasured, meanPrecision, meanRecall } from "./coco-summary.js"
import { type ConfusionMatrix, confusionMatrix } from "./confusion.js"
import { type Diagnosis, diagnose } from "./diagnose.js"
import { indexImages } from "./image-index.js"
import { type ImageScore, rankImages } from "./image-ranking.js"
import { evaluateLvis, type LvisSummary } from "./lvis.js"
import { type MatchesAt, matchAt } from "./match-at.js"
import { detectionsFromDetector, type TruthSet, truthsFromDataset } from "./records.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { type TideErrors, tideErrors } from "./tide.js"
import { evaluateVoc, type VocResult } from "./voc.js"

export type Metric = "coco" | "voc07" | "voc12"

export interface ReportOptions {
  /** VOC's figures are made when one of them is asked for; COCO's always, since the rest of the report stands on them. */
  readonly metrics: readonly Metric[]
  /** Overlaps at which VOC's AP is measured. */
  readonly vocIouThresholds: readonly number[]
  /** What a truth with id 0 means; see `CocoOptions`. */
  readonly truthIdZero: CocoOptions["truthIdZero"]
  /** Of the confusion matrix and the image ranking; "best" takes the overall threshold with the highest F1. */
  readonly scoreThreshold: number | "best"
  /** Of thresholds, confusion matrix, error types and image ranking. */
  readonly iouThreshold: number
  /** How many best and worst images are named. */
  readonly images: number
  /** False leaves out everything but the figures: for a quick look after each epoch. */
  readonly details: boolean
}

/** @source iouThreshold: TIDE section 2.2 and VOC */
export const reportDefaults: ReportOptions = {
  metrics: ["coco", "voc07", "voc12"],
  vocIouThresholds: [0.5],
  truthIdZero: cocoDefaults.truthIdZero,
  scoreThreshold: "best",
  iouThreshold: 0.5,
  images: 10,
  details: true,
}

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

/** The same for every format of data. Figures are 0..1 and NaN where there is nothing to measure. */
export interface EvalReport {
  readonly images: number
  readonly truths: number
  /** How many of the truths are crowds or difficult objects, which count neither when found nor when missed. */
  readonly ignored: number
  readonly detections: number
  readonly coco: CocoSummary
  /** Where the truths are LVIS's. */
  readonly lvis?: LvisSummary
  /** One a threshold; empty unless voc07 or voc12 was asked for. */
  readonly voc: readonly VocResult[]
  readonly metrics: readonly Metric[]
  readonly perClass: readonly ClassReport[]
  /** Mean over the classes, at IoU 0.5. */
  readonly curve: PrecisionRecallCurve
  readonly bestThreshold: BestThreshold | undefined
  /** What could be wrong with the data, most telling first; empty when nothing stands out. */
  readonly diagnosis: readonly Diagnosis[]
  /** Absent with `details: false`. */
  readonly confusion?: ConfusionMatrix
  readonly errors?: TideErrors
  readonly bestImages?: readonly ImageScore[]
  readonly worstImages?: readonly ImageScore[]
}

/**
 * Scores detections against truths and says what is behind the figures.
 * @throws UsageError for an unknown option
 */
export function evaluate(
  truths: TruthTable,
  detections: DetectionTable,
  overrides: Partial<ReportOptions> = {},
): EvalReport {
  const arranged = arrange(truths, detections)
  const matches = matchCoco(truths, detections, arranged, matchOptions(overrides))
  return reportMatches(truths, detections, arranged, matches, overrides)
}

/** How the report matches. */
export function matchOptions({ truthIdZero }: Partial<ReportOptions>): CocoOptions {
  return cocoOptions(truthIdZero === undefined ? {} : { truthIdZero })
}

/** `evaluate` for what is matched already, with `matchOptions`. */
export function reportMatches(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  cocoMatches: CocoMatches,
  overrides: Partial<ReportOptions>,
): EvalReport {
  const options = withDefaults("evaluate", reportDefaults, overrides)
  const matches = matchAt(truths, detections, arranged, cocoMatches, options.iouThreshold)
  const ranked = rankAll(truths, detections)
  const best = bestThresholds(detections, arranged, ranked, matches)
  const { coco, perClass, curve } = cocoFigures(
    truths,
    detections,
    arranged,
    cocoMatches,
    options,
    matches,
    best.perClass,
  )
  const index = indexImages(truths, detections, ranked)
  const wantsVoc = options.metrics.includes("voc07") || options.metrics.includes("voc12")
  const ignored = perClass.reduce((sum, one) => sum + one.ignored, 0)
  const base: EvalReport = {
    images: truths.imageIds.length,
    truths: truths.image.length,
    ignored,
    detections: detections.image.length,
    coco: unmeasuredAsNaN(coco),
    ...(truths.federated && { lvis: evaluateLvis(truths, detections) }),
    voc: wantsVoc ? evaluateVoc(truths, detections, { iouThresholds: options.vocIouThresholds }, arranged) : [],
    metrics: options.metrics,
    perClass,
    curve,
    bestThreshold: best.overall,
    diagnosis: diagnose(truths, detections, ranked, index, coco),
  }
  if (!options.details) return base
  const scoreThreshold = options.scoreThreshold === "best" ? (best.overall?.score ?? 0) : options.scoreThreshold
  const images = rankImages(truths, detections, matches, scoreThreshold, options.images)
  return {
    ...base,
    confusion: confusionMatrix(truths, detections, scoreThreshold, options.iouThreshold, index),
    errors: tideErrors(truths, detections, arranged, ranked, index, matches),
    bestImages: images.best,
    worstImages: images.worst,
  }
}

/** What the report takes from COCO's curves, which are large where there are many classes, and are let go here. */
function cocoFigures(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  cocoMatches: CocoMatches,
  options: ReportOptions,
  matches: MatchesAt,
  best: readonly (BestThreshold | undefined)[],
): { coco: CocoSummary; perClass: ClassReport[]; curve: PrecisionRecallCurve } {
  const evaluation = evaluateMatches(arranged, detections.scores, cocoMatches, matchOptions(options))
  const { curves, summary } = evaluation
  const recalls = evaluation.options.recallThresholds
  const all = truths.categoryNames.map((_, k) => k)
  return {
    coco: summary,
    perClass: all.map((k) => classReport(truths, arranged, curves, recalls, k, matches.counted[k]!, best[k])),
    curve: curveOf(curves, recalls, all),
  }
}

/**
 * Scores what a running detector found in the images of a data set.
 * @param perImage `[N]` in the order of `set.images`, boxes in image pixels
 * @throws UsageError for an unknown option, or unless there is one entry an image
 * @throws DataError for a box that is not finite or has a negative size, or a score that is not finite
 */
export function evaluateDetections(
  set: TruthSet,
  perImage: readonly Detections[],
  overrides: Partial<ReportOptions> = {},
): EvalReport {
  const truths = truthsFromDataset(set)
  return evaluate(truths, detectionsFromDetector(set, truths, perImage), overrides)
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
  const mean = (values: Float64Array, r: number) =>
    meanOfMeasured(Float64Array.from(classes, (k) => values[(k * A * M + M - 1) * T * R + r]!))
  if (mean(precision, 0) === -1) return { recall: [], precision: [], scores: [] }
  return {
    recall: [...recalls],
    precision: recalls.map((_, r) => mean(precision, r)),
    scores: recalls.map((_, r) => mean(scores, r)),
  }
}

function unmeasuredAsNaN(summary: CocoSummary): CocoSummary {
  return Object.fromEntries(
    Object.entries(summary).map(([name, value]) => [name, measured(value as number)]),
  ) as unknown as CocoSummary
}

function measured(value: number): number {
  return value === -1 ? Number.NaN : value
}
