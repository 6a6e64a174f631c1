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
export { bench } from "./tasks/bench.js"
export type { BoxData } from "./tasks/box-data.js"
export { checkDataset } from "./tasks/check-dataset.js"
export type { ClassGuess } from "./tasks/class-lines.js"
export { classifyFolder } from "./tasks/classify-folder.js"
export { compareResults } from "./tasks/compare-results.js"
export { convertDataset } from "./tasks/convert-dataset.js"
export { countDataset } from "./tasks/count-dataset.js"
export { describeModel } from "./tasks/describe-model.js"
export { type DetectFolderResult, type DetectHooks, detectFolder } from "./tasks/detect-folder.js"
export { drawDetections } from "./tasks/draw-detections.js"
export { evaluateClassifier } from "./tasks/evaluate-classifier.js"
export { evaluateDetector } from "./tasks/evaluate-detector.js"
export { evaluateLocalizer } from "./tasks/evaluate-localizer.js"
export { examine } from "./tasks/examine.js"
export { exportModel } from "./tasks/export-model.js"
export { fitAnchors } from "./tasks/fit-anchors.js"
export { getDataset } from "./tasks/get-dataset.js"
export type { Progress, TaskHooks } from "./tasks/hooks.js"
export { importWeights } from "./tasks/import-weights.js"
export { layerResponses } from "./tasks/layer-responses.js"
export {
  type ClassifierHandle,
  type ClassifyCallOptions,
  type ClassifyResult,
  loadClassifier,
} from "./tasks/load-classifier.js"
export { localizeFolder } from "./tasks/localize-folder.js"
export { makeDemo } from "./tasks/make-demo.js"
export { mergeDetections } from "./tasks/merge-detections.js"
export type { DetectFolderOptions } from "./tasks/options/detect.js"
export type { EvaluateDetectorOptions, ScorePredictionsOptions } from "./tasks/options/evaluate.js"
export type { FitAnchorsOptions } from "./tasks/options/fit-anchors.js"
export type { TrainClassifierOptions } from "./tasks/options/train-classifier.js"
export type { TrainDetectorOptions } from "./tasks/options/train-detector.js"
export type { TrainLocalizerOptions } from "./tasks/options/train-localizer.js"
export type { TuneOptions } from "./tasks/options/tune.js"
export { quickstart } from "./tasks/quickstart.js"
export { reportRuns } from "./tasks/report-runs.js"
export { scorePredictions } from "./tasks/score-predictions.js"
export { setUp } from "./tasks/set-up.js"
export { splitDataset } from "./tasks/split-dataset.js"
export type { ImageReport } from "./tasks/take-detections.js"
export { planClassifier, resumeClassifier, trainClassifier } from "./tasks/train-classifier.js"
export { planDetector, resumeDetector, trainDetector } from "./tasks/train-detector.js"
export { planLocalizerRun, resumeLocalizer, trainLocalizer } from "./tasks/train-localizer.js"
export type { Processes } from "./tasks/training/processes.js"
export type { ResumeChanges } from "./tasks/training/run-record.js"
export type { BestModel, EpochReport, TrainHooks, TrainResult } from "./tasks/training/train-result.js"
export { resumeTuning, type TuneResult, tuneDetector } from "./tasks/tune.js"
export { viewDataset } from "./tasks/view-dataset.js"
export { getWeights, listWeights, whereWeights } from "./tasks/weights.js"
export type { StepReport } from "./train/report-window.js"
export type { EpochFigures } from "./train/run-events.js"
