import type { Detections } from "../boxes/boxes.js"
import { withDefaults } from "../core/options.js"
import { type Arrangement, arrange, rankAll } from "./arrange.js"
import { type BestThreshold, bestThresholds } from "./best-threshold.js"
import { type BootstrapAp, type BootstrapOptions, bootstrapAp } from "./bootstrap.js"
import { type Calibration, calibration, type FBetaThresholds, fBetaThresholds } from "./calibration.js"
import { type ClassReport, cocoFigures, measured, type PrecisionRecallCurve } from "./class-report.js"
import { type CocoMatches, matchCoco } from "./coco-match.js"
import { type CocoOptions, cocoDefaults, cocoOptions } from "./coco-options.js"
import type { CocoSummary } from "./coco-summary.js"
import { type ConfusionMatrix, confusionMatrix } from "./confusion.js"
import { type Diagnosis, diagnose } from "./diagnose.js"
import { ConfusedImages, type Examples, examplesOf } from "./examples.js"
import { indexImages } from "./image-index.js"
import { type ImageScore, rankImages } from "./image-ranking.js"
import { evaluateImagenetDet, type ImagenetDetResult } from "./imagenet-det.js"
import { evaluateLvis, type LvisSummary } from "./lvis.js"
import { matchAt } from "./match-at.js"
import type { MatchedDetections } from "./matched.js"
import {
  evaluateOpenImages,
  type OpenImagesHierarchy,
  type OpenImagesResult,
  openImagesParents,
} from "./open-images.js"
import { detectionsFromDetector, type TruthSet, truthsFromDataset } from "./records.js"
import { evaluateSlices, type Slice, type SliceReport } from "./slices.js"
import { labelSuspects, type Suspect } from "./suspects.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { type TideErrors, tideErrors } from "./tide.js"
import { evaluateVoc, type VocResult } from "./voc.js"

/** What can be measured; LVIS's figures are made of LVIS's annotations always. */
export const metricNames = ["coco", "voc07", "voc12", "imagenet-det", "lvis", "openimages"] as const

export type Metric = (typeof metricNames)[number]

export interface ReportOptions {
  /** VOC's figures are made when one of them is asked for; COCO's always, since the rest of the report stands on them. */
  readonly metrics: readonly Metric[]
  /** Overlaps at which VOC's AP is measured. */
  readonly vocIouThresholds: readonly number[]
  /** Open Images' class hierarchy: a box counts for the classes above its own; undefined for none. */
  readonly hierarchy: OpenImagesHierarchy | undefined
  /** What a truth with id 0 means; see `CocoOptions`. */
  readonly truthIdZero: CocoOptions["truthIdZero"]
  /** COCO's parameters where they are not the usual ones; all of its figures follow them. */
  readonly coco: Partial<CocoParameters>
  /** Of the confusion matrix and the image ranking; "best" takes the overall threshold with the highest F1. */
  readonly scoreThreshold: number | "best"
  /** Of thresholds, confusion matrix, error types and image ranking. */
  readonly iouThreshold: number
  /** How many best and worst images are named. */
  readonly images: number
  /** False leaves out everything but the figures: for a quick look after each epoch. */
  readonly details: boolean
  /** How many examples of each type of error are wanted, with the best and worst images in full: for a report with pictures. */
  readonly examples: number
  /** Intervals of AP and AP50, by drawing the images anew; undefined for none. */
  readonly intervals: Partial<BootstrapOptions> | undefined
  /** Images whose figures are wanted by themselves, made from the truths; undefined for none. */
  readonly slices: ((truths: TruthTable) => readonly Slice[]) | undefined
  /** Whether scores mean what they say. */
  readonly calibration: boolean
  /** Betas whose best thresholds are wanted: 2 weighs recall higher, 0.5 precision. */
  readonly fBeta: readonly number[]
  /** How many suspected label errors are listed. */
  readonly suspects: number
}

/** COCO's parameters that people change. */
export type CocoParameters = Pick<CocoOptions, "iouThresholds" | "areaRanges" | "maxDetections">

/** @source iouThreshold: TIDE section 2.2 and VOC */
export const reportDefaults: ReportOptions = {
  metrics: ["coco", "voc07", "voc12"],
  vocIouThresholds: [0.5],
  hierarchy: undefined,
  truthIdZero: cocoDefaults.truthIdZero,
  coco: {},
  scoreThreshold: "best",
  iouThreshold: 0.5,
  images: 10,
  details: true,
  examples: 0,
  intervals: undefined,
  slices: undefined,
  calibration: false,
  fBeta: [],
  suspects: 0,
}

/** The same for every format of data. Figures are 0..1 and NaN where there is nothing to measure. */
export interface EvalReport {
  readonly images: number
  readonly truths: number
  /** How many of the truths are crowds or difficult objects, which count neither when found nor when missed. */
  readonly ignored: number
  readonly detections: number
  readonly coco: CocoSummary
  /** With which parameters they were made. */
  readonly cocoParameters: CocoParameters
  /** Where the truths are LVIS's. */
  readonly lvis?: LvisSummary
  /** By the Challenge's rules, where asked for. */
  readonly openImages?: OpenImagesResult
  /** One a threshold; empty unless voc07 or voc12 was asked for. */
  readonly voc: readonly VocResult[]
  /** Where it was asked for. */
  readonly imagenetDet?: ImagenetDetResult
  readonly metrics: readonly Metric[]
  readonly perClass: readonly ClassReport[]
  /** Mean over the classes, at IoU 0.5. */
  readonly curve: PrecisionRecallCurve
  readonly bestThreshold: BestThreshold | undefined
  /** What could be wrong with the data, most telling first; empty when nothing stands out, or with `details: false`. */
  readonly diagnosis: readonly Diagnosis[]
  /** Absent with `details: false`. */
  readonly confusion?: ConfusionMatrix
  readonly errors?: TideErrors
  readonly bestImages?: readonly ImageScore[]
  readonly worstImages?: readonly ImageScore[]
  /** Where asked for. */
  readonly examples?: Examples
  /** Where asked for. */
  readonly intervals?: BootstrapAp
  readonly slices?: readonly SliceReport[]
  readonly calibration?: Calibration
  readonly fBeta?: readonly FBetaThresholds[]
  readonly suspects?: readonly Suspect[]
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
export function matchOptions({ truthIdZero, coco }: Partial<ReportOptions>): CocoOptions {
  return cocoOptions({ ...coco, ...(truthIdZero !== undefined && { truthIdZero }) })
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
    matchOptions(options),
    matches,
    best.perClass,
  )
  const wantsVoc = options.metrics.includes("voc07") || options.metrics.includes("voc12")
  const ignored = perClass.reduce((sum, one) => sum + one.ignored, 0)
  const { iouThresholds, areaRanges, maxDetections } = cocoMatches.options
  const base: EvalReport = {
    images: truths.imageIds.length,
    truths: truths.image.length,
    ignored,
    detections: detections.image.length,
    coco: unmeasuredAsNaN(coco),
    cocoParameters: { iouThresholds, areaRanges, maxDetections },
    ...federatedFigures(truths, detections, options),
    voc: wantsVoc ? evaluateVoc(truths, detections, { iouThresholds: options.vocIouThresholds }, arranged) : [],
    ...(options.metrics.includes("imagenet-det") && { imagenetDet: evaluateImagenetDet(truths, detections) }),
    metrics: options.metrics,
    perClass,
    curve,
    bestThreshold: best.overall,
    diagnosis: [],
    ...askedFor({ truths, detections, arranged, coco: cocoMatches }, options),
  }
  if (!options.details) return base
  const index = indexImages(truths, detections, ranked)
  const scoreThreshold = options.scoreThreshold === "best" ? (best.overall?.score ?? 0) : options.scoreThreshold
  const images = rankImages(truths, detections, matches, scoreThreshold, options.images)
  const confused = options.examples > 0 ? new ConfusedImages(truths) : undefined
  const onCount = confused?.add.bind(confused)
  const matched = { truths, detections, index, matches, scoreThreshold }
  return {
    ...base,
    diagnosis: diagnose(truths, detections, ranked, index, coco, maxDetections.at(-1)!),
    confusion: confusionMatrix(truths, detections, scoreThreshold, options.iouThreshold, index, onCount),
    errors: tideErrors(truths, detections, arranged, index, matches),
    bestImages: images.best,
    worstImages: images.worst,
    ...(confused && { examples: examplesOf(matched, images, confused.cells, options.examples) }),
  }
}

/** LVIS's figures where the truths are LVIS's, Open Images' where they are asked for; each by its own matching. */
function federatedFigures(
  truths: TruthTable,
  detections: DetectionTable,
  { metrics, hierarchy }: ReportOptions,
): Pick<EvalReport, "lvis" | "openImages"> {
  const asOpenImages = metrics.includes("openimages")
  const asLvis = metrics.includes("lvis") || (truths.federated !== undefined && !asOpenImages)
  const parents = hierarchy && { parents: openImagesParents(hierarchy, truths) }
  return {
    ...(asLvis && { lvis: evaluateLvis(truths, detections) }),
    ...(asOpenImages && { openImages: evaluateOpenImages(truths, detections, parents) }),
  }
}

/** The parts of a report that are made only where they are asked for. */
function askedFor(
  matched: Omit<MatchedDetections, "at50">,
  { intervals, slices, calibration: wantsCalibration, fBeta, suspects }: ReportOptions,
): Pick<EvalReport, "intervals" | "slices" | "calibration" | "fBeta" | "suspects"> {
  if (!intervals && !slices && !wantsCalibration && fBeta.length === 0 && suspects === 0) return {}
  const { truths, detections, arranged, coco } = matched
  const all = { ...matched, at50: matchAt(truths, detections, arranged, coco, 0.5) }
  return {
    ...(intervals && { intervals: bootstrapAp(all, intervals) }),
    ...(slices && { slices: evaluateSlices(all, slices(truths)) }),
    ...(wantsCalibration && { calibration: calibration(all) }),
    ...(fBeta.length > 0 && { fBeta: fBeta.map((beta) => fBetaThresholds(all, beta)) }),
    ...(suspects > 0 && { suspects: labelSuspects([all], suspects) }),
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

function unmeasuredAsNaN(summary: CocoSummary): CocoSummary {
  return Object.fromEntries(
    Object.entries(summary).map(([name, value]) => [name, measured(value as number)]),
  ) as unknown as CocoSummary
}
