/**
 * Every command as a function with the same options; results are plain objects, and nothing is printed.
 *
 * @module resdet
 */
// Tasks: what the command line does, from code.
export type { Dataset, DatasetFormat, Fault, ImageRecord } from "../datasets/dataset.js"
export {
  datasetFromSamples,
  type OwnDatasetOptions,
  type OwnSample,
  type OwnSamples,
  type SampleList,
} from "../datasets/dataset-from-samples.js"
export type { Pixels } from "../datasets/image/pixels.js"
export type { RgbImage } from "../datasets/image/rgb.js"
export { type ReadOptions, readDefaults } from "../datasets/options.js"
export { readDataset, recognizeFormat } from "../datasets/read.js"
export type { Backbone, BackboneSpec } from "./backbone/backbone.js"
export {
  BusyError,
  DataError,
  DisposedError,
  DivergedError,
  LostProcessError,
  UnwrittenError,
  UsageError,
  UserError,
} from "./core/errors.js"
export type { OwnBackbone } from "./detector/build.js"
export type { DetectOptions } from "./detector/detect-options.js"
export { type ClusterPlace, clusterPlace } from "./engine/cluster-place.js"
export * from "./eval/public.js"
export type { ConvOptions, LayerSpec, LinearSpec, NormKind, Ops } from "./layers/ops.js"
export type { Detection, ImageDetections } from "./predict/detection.js"
export type {
  DetectCallOptions,
  DetectFolderOptions as IterateOptions,
  DetectionResult,
  DetectorHandle,
  FolderDetections,
} from "./predict/detector-handle.js"
export type { LoadOptions } from "./predict/detector-loader.js"
export type { CallOptions, FailedImage } from "./predict/image-calls.js"
export type { ImageInput } from "./predict/image-input.js"
export { loadDetector } from "./predict/load-detector.js"
export type { GivenWeights } from "./predict/worker-options.js"
export type { DoctorReport } from "./setup/doctor.js"
export type { AnchorReport } from "./tasks/anchor-report.js"
export { type BenchResult, bench } from "./tasks/bench.js"
export type { BoxData } from "./tasks/box-data.js"
export { checkDataset, type DatasetCheck } from "./tasks/check-dataset.js"
export type { ClassGuess } from "./tasks/class-lines.js"
export {
  type ClassifiedFolder,
  type ClassifyHooks,
  classifyFolder,
  type SkippedImage,
} from "./tasks/classify-folder.js"
export { compareResults, type ResultsComparison } from "./tasks/compare-results.js"
export { convertDataset, type WrittenDataset } from "./tasks/convert-dataset.js"
export { countDataset, type DatasetCounts } from "./tasks/count-dataset.js"
export {
  type Description,
  describeModel,
  type GraphDescription,
  type ModelDescription,
  type WeightsDescription,
} from "./tasks/describe-model.js"
export { type DetectFolderResult, type DetectHooks, detectFolder } from "./tasks/detect-folder.js"
export { drawDetections } from "./tasks/draw-detections.js"
export { type ClassifierEvaluation, evaluateClassifier } from "./tasks/evaluate-classifier.js"
export { evaluateDetector } from "./tasks/evaluate-detector.js"
export { evaluateLocalizer, type LocalizerEvaluation } from "./tasks/evaluate-localizer.js"
export { examine } from "./tasks/examine.js"
export { type ExportedModel, exportModel } from "./tasks/export-model.js"
export { fitAnchors } from "./tasks/fit-anchors.js"
export { type FetchedDataset, getDataset } from "./tasks/get-dataset.js"
export type { Progress, TaskHooks } from "./tasks/hooks.js"
export { type ImportedWeights, importWeights } from "./tasks/import-weights.js"
export { type LayerResponses, layerResponses } from "./tasks/layer-responses.js"
export {
  type ClassifierHandle,
  type ClassifyCallOptions,
  type ClassifyResult,
  loadClassifier,
} from "./tasks/load-classifier.js"
export { type ImageObjects, type LocalizedFolder, type LocalizeHooks, localizeFolder } from "./tasks/localize-folder.js"
export { type DemoSet, makeDemo } from "./tasks/make-demo.js"
export { type MergedDetections, mergeDetections } from "./tasks/merge-detections.js"
export type { DetectFolderOptions } from "./tasks/options/detect.js"
export type { EvaluateDetectorOptions, ScorePredictionsOptions } from "./tasks/options/evaluate.js"
export type { FitAnchorsOptions } from "./tasks/options/fit-anchors.js"
export type { TrainClassifierOptions } from "./tasks/options/train-classifier.js"
export type { TrainDetectorOptions } from "./tasks/options/train-detector.js"
export type { TrainLocalizerOptions } from "./tasks/options/train-localizer.js"
export type { TuneOptions } from "./tasks/options/tune.js"
export { type QuickstartResult, quickstart } from "./tasks/quickstart.js"
export { reportRuns } from "./tasks/report-runs.js"
export { scorePredictions } from "./tasks/score-predictions.js"
export { type SetUpResult, setUp } from "./tasks/set-up.js"
export { splitDataset } from "./tasks/split-dataset.js"
export type { ImageReport } from "./tasks/take-detections.js"
export { planClassifier, resumeClassifier, trainClassifier } from "./tasks/train-classifier.js"
export { planDetector, resumeDetector, trainDetector } from "./tasks/train-detector.js"
export { planLocalizerRun, resumeLocalizer, trainLocalizer } from "./tasks/train-localizer.js"
export type { Processes } from "./tasks/training/processes.js"
export type { ResumeChanges } from "./tasks/training/run-record.js"
export type { BestModel, EpochReport, TrainHooks, TrainResult } from "./tasks/training/train-result.js"
export { resumeTuning, type TuneResult, tuneDetector } from "./tasks/tune.js"
export { type DatasetView, viewDataset } from "./tasks/view-dataset.js"
export { getWeights, listWeights, type NamedWeights, whereWeights } from "./tasks/weights.js"
export type { StepReport } from "./train/report-window.js"
export type { EpochFigures } from "./train/run-events.js"
