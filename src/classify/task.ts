import * as tf from "@tensorflow/tfjs-core"
import type { LabelledSet } from "../../datasets/labelled-set.js"
import type { ClassificationBatch } from "../../datasets/loader/classification-loader.js"
import type { Loaded, Loader } from "../../datasets/loader/loader.js"
import type { ResNet } from "../backbone/classifier.js"
import { softmaxCrossEntropy } from "../core/losses.js"
import type { Parameters } from "../core/parameters.js"
import type { Precision } from "../engine/names.js"
import { awaitReadback } from "../engine/readback.js"
import { topKError } from "../eval/imagenet.js"
import type { Peers } from "../train/agreement.js"
import { recordedGradients } from "../train/gradients.js"
import type { TrainingTask } from "../train/training-task.js"
import type { UnreadImage } from "./decoded-batches.js"
import { type ScoredSet, scoreSet } from "./evaluate.js"
import { setExactStatistics } from "./exact-statistics.js"
import { type Scorer, scorerDefaults } from "./scorer.js"

export interface ClassifierData {
  readonly training: Loader<number, ClassificationBatch>
  readonly validation?: ClassifierCheck | undefined
  /** What an image is called in messages. */
  name(image: number): string
}

/** What a network is scored on while it trains, and how: as `classify eval` does. */
export interface ClassifierCheck {
  readonly set: LabelledSet
  /** Of the network that is trained. */
  readonly scorer: Scorer
  /** Told of each image that cannot be read, every time. */
  onUnread?(image: UnreadImage): void
  /** Takes the scores of a validation. */
  onScored?(scored: ScoredSet): void
}

export interface ClassifierTaskOptions {
  /** Training images over which the batch norms' statistics are computed at the end; 0 keeps the moving averages. */
  readonly statisticsImages: number
  /** What the steps are computed in; weights, losses and update are float32. */
  readonly precision?: Precision
}

/**
 * A ResNet and its data as something `runTraining` can train. Beside the loss it tells `train_error`, the share of each
 * step's images that the network classified wrong before the step.
 */
export function classificationTask(
  network: ResNet,
  parameters: Parameters,
  { training, validation, name }: ClassifierData,
  { statisticsImages, precision }: ClassifierTaskOptions,
): TrainingTask<Loaded<ClassificationBatch>> {
  let said: { readonly logits: tf.Tensor2D; readonly labels: Int32Array } | undefined
  const forward = (stem: tf.Tensor4D, labels: tf.Tensor1D) => {
    const logits = network.train(stem)
    return { losses: { loss_classifier: tf.mean(softmaxCrossEntropy(logits, labels)) as tf.Scalar }, beside: [logits] }
  }
  const step = recordedGradients(forward, () => parameters.trainable(), precision)
  return {
    parameters,
    batchesPerEpoch: training.batchesPerEpoch,
    batches: (epoch, start, isOwn) => training.epoch(epoch, start, isOwn),
    next: ({ index }) => index + 1,
    prepare: async ({ pixels, shape }) => tf.tidy(() => network.frozenFeatures(tf.tensor4d(pixels, [...shape]))),
    losses: (stem, { labels }) => forward(stem, tf.tensor1d(labels, "int32")).losses,
    gradients(stem, { labels }) {
      const wanted = tf.tensor1d(labels, "int32")
      const { beside, ...made } = step(stem, wanted)
      wanted.dispose()
      said?.logits.dispose()
      said = { logits: beside[0] as tf.Tensor2D, labels }
      return made
    },
    async figures() {
      if (said === undefined) return {}
      const { logits, labels } = said
      await awaitReadback([logits])
      const train_error = topKError(logits.dataSync(), labels, logits.shape[1], 1)
      logits.dispose()
      said = undefined
      return { train_error }
    },
    images: ({ images }) => images.map(name),
    waited: ({ waitedMs }) => waitedMs,
    ...(statisticsImages > 0 && {
      async finish(signal) {
        await setExactStatistics(network, parameters, training.epoch(STATISTICS_EPOCH), statisticsImages, signal)
      },
    }),
    ...(validation && {
      validate: async (signal, onImage, peers) => ({ ...(await classifierErrors(validation, signal, onImage, peers)) }),
    }),
  }
}

/** An epoch that no run reaches: its crops are like any epoch's. */
export const STATISTICS_EPOCH = 2 ** 30

/** Shares of the images that are classified right and wrong. NaN without images. */
export interface ClassifierErrors {
  /** The best-scored class is the image's; 1 - `top1_error`, for runs to choose their best model by. */
  readonly accuracy: number
  readonly top1_error: number
  /** The image's class is not among the five best scored. */
  readonly top5_error: number
}

/** The errors on the images that can be read. */
export async function classifierErrors(
  { set, scorer, onUnread, onScored }: ClassifierCheck,
  signal?: AbortSignal,
  onImage?: (done: number, total: number) => void,
  peers?: Peers,
): Promise<ClassifierErrors> {
  const scored = await scoreSet(set, scorer, {
    batch: scorerDefaults.batch,
    ...(signal && { signal }),
    peers,
    onImages: (done) => onImage?.(done, set.labels.length),
  })
  const { scores, labels, failed } = scored
  if (!signal?.aborted) onScored?.(scored)
  for (const image of failed) onUnread?.(image)
  const [top1_error, top5_error] = [1, 5].map((k) => topKError(scores, labels, scorer.classes.length, k)) as [
    number,
    number,
  ]
  return { accuracy: 1 - top1_error, top1_error, top5_error }
}
