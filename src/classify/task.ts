import * as tf from "@tensorflow/tfjs-core"
import type { LabelledBatch, LabelledLoader } from "../../datasets/loader/labelled-loader.js"
import type { ResNet } from "../backbone/resnet.js"
import { topKError } from "../eval/imagenet.js"
import { softmaxCrossEntropy } from "../tensor/losses.js"
import type { Parameters } from "../tensor/parameters.js"
import type { TrainingTask } from "../train/run.js"
import { setExactStatistics } from "./exact-statistics.js"

export interface ClassifierData {
  readonly training: LabelledLoader
  readonly validation?: LabelledLoader | undefined
  /** What an image is called in messages. */
  name(image: number): string
}

export interface ClassifierTaskOptions {
  /** Training images over which the batch norms' statistics are computed at the end; 0 keeps the moving averages. */
  readonly statisticsImages: number
}

/**
 * A ResNet and its data as something `runTraining` can train. Beside the loss it tells `train_error`, the share of each
 * step's images that the network classified wrong before the step.
 */
export function classificationTask(
  network: ResNet,
  parameters: Parameters,
  { training, validation, name }: ClassifierData,
  { statisticsImages }: ClassifierTaskOptions,
): TrainingTask<LabelledBatch> {
  let trainError = Number.NaN
  return {
    parameters,
    batchesPerEpoch: training.batchesPerEpoch,
    batches: (epoch, start) => training.epoch(epoch, start),
    next: ({ index }) => index + 1,
    prepare: ({ pixels, shape }) => tf.tensor4d(pixels, [...shape]),
    losses: (pixels, { labels }) => {
      const logits = network.train(pixels)
      trainError = topKError(logits.dataSync(), labels, logits.shape[1], 1)
      return { loss_classifier: tf.mean(softmaxCrossEntropy(logits, tf.tensor1d(labels, "int32"))) }
    },
    figures: () => ({ train_error: trainError }),
    describe: ({ images }) => images.map(name).join(", "),
    waited: ({ waitedMs }) => waitedMs,
    ...(statisticsImages > 0 && {
      async finish(signal) {
        await setExactStatistics(network, parameters, training.epoch(STATISTICS_EPOCH), statisticsImages, signal)
      },
    }),
    ...(validation && { validate: async (signal) => ({ ...(await classifierErrors(network, validation, signal)) }) }),
  }
}

/** An epoch that no run reaches: its crops are like any epoch's. */
const STATISTICS_EPOCH = 2 ** 30

/** Shares of the images that are classified right and wrong. NaN without images. */
export interface ClassifierErrors {
  /** The best-scored class is the image's; 1 - `top1_error`, for runs to choose their best model by. */
  readonly accuracy: number
  readonly top1_error: number
  /** The image's class is not among the five best scored. */
  readonly top5_error: number
}

/** A network's errors on the images of a loader, one view each. */
export async function classifierErrors(
  network: ResNet,
  loader: LabelledLoader,
  signal?: AbortSignal,
): Promise<ClassifierErrors> {
  let [images, wrong, far] = [0, 0, 0]
  for await (const { pixels, shape, labels } of loader.epoch(0)) {
    const [scores, classes] = tf.tidy(() => {
      const logits = network.forward(tf.tensor4d(pixels, [...shape]))
      return [logits.dataSync(), logits.shape[1]] as const
    })
    images += labels.length
    wrong += Math.round(labels.length * topKError(scores, labels, classes, 1))
    far += Math.round(labels.length * topKError(scores, labels, classes, 5))
    if (signal?.aborted) break
  }
  return { accuracy: 1 - wrong / images, top1_error: wrong / images, top5_error: far / images }
}
