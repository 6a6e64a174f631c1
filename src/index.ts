export type { Dataset, DatasetFormat, Fault, ImageRecord } from "../datasets/dataset.js"
export {
  datasetFromSamples,
  type OwnDatasetOptions,
  type OwnSample,
  type OwnSamples,
  type SampleList,
} from "../datasets/dataset-from-samples.js"
export type { RgbImage } from "../datasets/image/rgb.js"
export { type ReadOptions, readDefaults } from "../datasets/options.js"
export { readDataset, recognizeFormat } from "../datasets/read.js"
export type { DetectOptions } from "./detector/detect-options.js"
export * from "./eval/public.js"
export type { Detection, ImageDetections } from "./predict/detect-images.js"
export type { DetectFolderOptions, DetectorHandle, FolderDetections } from "./predict/detector-handle.js"
export type { LoadOptions } from "./predict/detector-loader.js"
export { loadDetector } from "./predict/load-detector.js"
export { DataError, UsageError, UserError } from "./tensor/errors.js"
