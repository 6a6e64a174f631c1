/**
 * COCO, VOC and other metrics, and what explains them; needs no engine and no Node.
 *
 * @module resdet/eval
 */
export type { ByteChunks } from "../json/lists.js"
export type { BestThreshold } from "./best-threshold.js"
export { type BootstrapAp, type BootstrapOptions, bootstrapAp, bootstrapDefaults, type Interval } from "./bootstrap.js"
export {
  type Calibration,
  type CalibrationBin,
  calibration,
  type FBetaThresholds,
  fBetaThresholds,
} from "./calibration.js"
export type { ClassReport, PrecisionRecallCurve } from "./class-report.js"
export { type CocoEvaluation, evaluateCoco } from "./coco.js"
export { type AreaRange, type CocoOptions, cocoDefaults } from "./coco-options.js"
export { type CocoAnnotationFile, type CocoResultRecord, detectionsFromCoco, truthsFromCoco } from "./coco-records.js"
export { readCocoDetections, readCocoResults, readCocoTruths } from "./coco-stream.js"
export { type CocoSummary, cocoNames } from "./coco-summary.js"
export { type ClassChange, type Comparison, compareDetections, type ImageChange } from "./compare.js"
export { compareDocuments, type DocumentComparison } from "./compare-documents.js"
export type { ConfusionMatrix } from "./confusion.js"
export { confusionMatrix } from "./confusion.js"
export type { Diagnosis } from "./diagnose.js"
export { DetectionEvaluator, type EvaluatorState } from "./evaluator.js"
export type { ImageScore } from "./image-ranking.js"
export {
  type LocalizationImage,
  type LocalizationOptions,
  localizationDefaults,
  localizationError,
  topKError,
} from "./imagenet.js"
export {
  evaluateImagenetDet,
  type ImagenetDetOptions,
  type ImagenetDetResult,
  imagenetDetDefaults,
} from "./imagenet-det.js"
export { evaluateLvis, type LvisSummary } from "./lvis.js"
export { type MatchedDetections, matchDetections } from "./matched.js"
export {
  evaluateOpenImages,
  type OpenImagesHierarchy,
  type OpenImagesOptions,
  type OpenImagesResult,
  openImagesDefaults,
  openImagesParents,
} from "./open-images.js"
export { detectionsFromDetector, type TruthImage, type TruthSet, truthsFromDataset } from "./records.js"
export {
  type EvalReport,
  evaluate,
  evaluateDetections,
  type Metric,
  type ReportOptions,
  reportDefaults,
} from "./report.js"
export {
  evaluateSlices,
  type Slice,
  type SliceReport,
  slicesByFolder,
  slicesBySize,
  slicesFromFile,
} from "./slices.js"
export { labelSuspects, type Suspect } from "./suspects.js"
export type { DetectionTable, Federated, TruthTable } from "./tables.js"
export type { TideError, TideErrors } from "./tide.js"
export { evaluateVoc, type VocClassResult, type VocOptions, type VocResult, vocDefaults } from "./voc.js"
export { allPointsAp, elevenPointAp, type VocCurve, vocCurve } from "./voc-ap.js"
export { detectionsFromVoc, formatVocResults, type VocCompetition, type VocResultFile } from "./voc-files.js"
export { detectionsFromYolo } from "./yolo-files.js"
