import * as tf from "@tensorflow/tfjs-core"
import type { ImageRecord } from "../../datasets/dataset.js"
import type { Parameters } from "../tensor/parameters.js"
import type { TrainingTask } from "../train/run.js"
import type { ClassRpn } from "./class-rpn.js"
import type { CropBatch, CropLoader } from "./crop-loader.js"
import { localizationFigures } from "./figures.js"
import { localizeDataset } from "./localize-dataset.js"
import type { LocalizeOptions, Localizer } from "./localizer.js"

/** What makes a localizer the best: the share of classes in images whose box is right, their class being given. */
export const localizationMetric = "gtClassAccuracy"

/** A validation set and how it is looked at. */
export interface LocalizationCheck {
  readonly localizer: Localizer
  readonly images: readonly ImageRecord[]
  readonly options: LocalizeOptions
}

/** A per-class RPN, its crops and its validation data as something `runTraining` can train. */
export function cropTask(
  rpn: ClassRpn,
  parameters: Parameters,
  loader: CropLoader,
  check?: LocalizationCheck,
): TrainingTask<CropBatch> {
  return {
    parameters,
    batchesPerEpoch: loader.batchesPerEpoch,
    batches: (epoch, start) => loader.epoch(epoch, start),
    next: ({ index }) => index + 1,
    prepare: ({ pixels, shape }) => rpn.frozenFeatures(tf.tensor4d(pixels, [...shape])),
    losses: (stem, { truths }, random) => rpn.losses(stem, truths, random),
    describe: ({ records }) => records.map(({ id }) => id).join(", "),
    waited: ({ waitedMs }) => waitedMs,
    ...validating(check),
  }
}

/** The part of a training task that measures. */
export function validating(check: LocalizationCheck | undefined) {
  if (check === undefined) return {}
  return {
    async validate(signal: AbortSignal): Promise<Record<string, number>> {
      const { localizer, images, options } = check
      const { perImage } = await localizeDataset(localizer, images, options, { signal })
      return { [localizationMetric]: 1 - localizationFigures(images, perImage).gtClassError }
    },
  }
}
