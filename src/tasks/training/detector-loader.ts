import { augmentPresets } from "../../../datasets/augment/levels.js"
import type { FaultPolicies } from "../../../datasets/faults.js"
import { type DetectionBatch, detectionLoader } from "../../../datasets/loader/detection-loader.js"
import type { Loader } from "../../../datasets/loader/loader.js"
import type { ModelConfig } from "../../detector/model.js"
import type { RunOptions } from "../../train/run-options.js"
import type { GivenTrainConfig, TrainConfig } from "../options/train-detector.js"
import type { TrainingData } from "./box-data.js"

/** The training batches of a run. @param mixing whether an epoch has mosaics and mixed images */
export function loaderOf(
  config: TrainConfig,
  model: ModelConfig,
  training: TrainingData["training"],
  mixing: (epoch: number) => boolean = () => true,
): Loader<unknown, DetectionBatch> {
  return detectionLoader(training, {
    batchSize: config.batch,
    seed: config.seed,
    sizes: config.sizes ?? [model.size],
    maxSize: model.maxSize,
    sizeRule: model.sizeRule,
    ...model.input,
    flip: config.augment === "none" ? 0 : config.flip,
    augment: { ...augmentPresets[config.augment ?? "none"], verticalFlip: config.verticalFlip },
    mixing,
    repeatThreshold: config.repeatThreshold,
    workers: config.workers ?? null,
    cache: config.cache ?? null,
    policies: policiesOf(config),
  })
}

/** How many epochs at the end have no mosaics and no mixed images: a tenth unless it is said. */
export function closedEpochs({ closeMosaic }: TrainConfig, { epochs }: RunOptions): number {
  return closeMosaic ?? Math.max(Math.min(1, epochs - 1), Math.round(epochs / 10))
}

/** What the schema leaves open, the names of faults, is checked where they are used. */
export function policiesOf({ policies }: Pick<GivenTrainConfig, "policies">): Partial<FaultPolicies> {
  return policies as Partial<FaultPolicies>
}
