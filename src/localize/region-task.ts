import * as tf from "@tensorflow/tfjs-core"
import type { Parameters } from "../tensor/parameters.js"
import type { TrainingTask } from "../train/run.js"
import { type LocalizationCheck, validating } from "./crop-task.js"
import type { RegionBatch, RegionLoader } from "./region-loader.js"
import type { RegionNetwork } from "./region-network.js"

/** The second stage, its regions and its validation data as something `runTraining` can train. */
export function regionTask(
  network: RegionNetwork,
  parameters: Parameters,
  loader: RegionLoader,
  check?: LocalizationCheck,
): TrainingTask<RegionBatch> {
  return {
    parameters,
    batchesPerEpoch: loader.batchesPerEpoch,
    batches: (epoch, start) => loader.epoch(epoch, start),
    next: ({ index }) => index + 1,
    prepare: ({ pixels, shape }) => network.frozenFeatures(tf.tensor4d(pixels, [...shape])),
    losses: (stem, batch) => network.losses(stem, batch),
    describe: ({ records }) => [...new Set(records.map(({ id }) => id))].join(", "),
    waited: ({ waitedMs }) => waitedMs,
    ...validating(check),
  }
}
