import * as tf from "@tensorflow/tfjs-core"
import type { ImageRecord } from "../../datasets/dataset.js"
import type { Loaded, Loader } from "../../datasets/loader/loader.js"
import type { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Parameters } from "../core/parameters.js"
import type { Random } from "../core/random.js"
import type { Peers } from "../train/agreement.js"
import { type Losses, recordedGradients } from "../train/gradients.js"
import type { TrainingTask } from "../train/training-task.js"
import type { ClassRpn } from "./class-rpn.js"
import type { CropBatch } from "./crop-loader.js"
import { localizationFigures } from "./figures.js"
import { type DatasetLocalizations, localizeDataset } from "./localize-dataset.js"
import type { LocalizeOptions, Localizer } from "./localizer.js"
import type { RegionBatch } from "./region-loader.js"
import type { RegionNetwork } from "./region-network.js"

/** What makes a localizer the best: the share of classes in images whose box is right, their class being given. */
export const localizationMetric = "gtClassAccuracy"

/** A validation set and how it is looked at. */
export interface LocalizationCheck {
  readonly localizer: Localizer
  readonly images: readonly ImageRecord[]
  readonly options: LocalizeOptions
  /** Takes what is wrong with the images. */
  readonly faults?: PhotoFaults
  /** Takes what a validation found in each image. */
  onLocalized?(perImage: DatasetLocalizations["perImage"]): void
}

/** A per-class RPN, its crops and its validation data as something `runTraining` can train. */
export function cropTask(
  rpn: ClassRpn,
  parameters: Parameters,
  loader: Loader<unknown, CropBatch>,
  check?: LocalizationCheck,
): TrainingTask<Loaded<CropBatch>> {
  return {
    ...feeding(rpn, loader),
    parameters,
    ...learning(parameters, {
      known: (stem, { truths }: CropBatch, random) => rpn.sample(stem, truths, random),
      losses: (stem, sample) => rpn.losses(stem, sample),
    }),
    ...validating(check),
  }
}

/** The second stage, its regions and its validation data as something `runTraining` can train. */
export function regionTask(
  network: RegionNetwork,
  parameters: Parameters,
  loader: Loader<unknown, RegionBatch>,
  check?: LocalizationCheck,
): TrainingTask<Loaded<RegionBatch>> {
  return {
    ...feeding(network, loader),
    parameters,
    ...learning(parameters, {
      known: (_, batch: RegionBatch) => network.goals(batch),
      losses: (stem, goals) => network.losses(stem, goals),
    }),
    ...validating(check),
  }
}

/** How a network learns. */
interface Lessons<Batch> {
  /** What is known of a batch, as tensors: nothing of the network goes into them. */
  known(stem: tf.Tensor4D, batch: Batch, random: Random): tf.Tensor[]
  losses(stem: tf.Tensor4D, known: readonly tf.Tensor[]): Losses
}

/** The part of a training task that makes losses, and by recorded steps their gradients. */
function learning<Batch>(parameters: Parameters, { known, losses }: Lessons<Batch>) {
  const step = recordedGradients(
    (stem: tf.Tensor4D, ...tensors: tf.Tensor[]) => ({ losses: losses(stem, tensors) }),
    () => parameters.trainable(),
  )
  return {
    losses: (stem: tf.Tensor4D, batch: Batch, random: Random) => losses(stem, known(stem, batch, random)),
    gradients(stem: tf.Tensor4D, batch: Batch, random: Random) {
      const tensors = known(stem, batch, random)
      try {
        return step(stem, ...tensors)
      } finally {
        tf.dispose(tensors)
      }
    },
  }
}

/** What the batches of both stages hold. */
type PixelBatch = Pick<CropBatch & RegionBatch, "pixels" | "shape" | "records">

/** The part of a training task that brings batches. */
function feeding<Batch extends PixelBatch>(
  network: { frozenFeatures(images: tf.Tensor4D): tf.Tensor4D },
  loader: Loader<unknown, Batch>,
) {
  return {
    batchesPerEpoch: loader.batchesPerEpoch,
    batches: (epoch: number, start: number, isOwn?: (index: number) => boolean) => loader.epoch(epoch, start, isOwn),
    next: ({ index }: Loaded<Batch>) => index + 1,
    prepare: async ({ pixels, shape }: Batch) => tf.tidy(() => network.frozenFeatures(tf.tensor4d(pixels, [...shape]))),
    images: ({ records }: Batch) => [...new Set(records.map(({ id }) => id))],
    waited: ({ waitedMs }: Loaded<Batch>) => waitedMs,
  }
}

/** The part of a training task that measures. */
function validating(check: LocalizationCheck | undefined) {
  if (check === undefined) return {}
  return {
    async validate(
      signal: AbortSignal,
      onImage?: (done: number, total: number) => void,
      peers?: Peers,
    ): Promise<Record<string, number>> {
      const { localizer, images, options, faults, onLocalized } = check
      const { rank, size } = peers ?? { rank: 0, size: 1 }
      const own = images.filter((_, index) => index % size === rank)
      const found = await localizeDataset(localizer, own, options, {
        signal,
        ...(faults && { faults }),
        onImage: (done) => onImage?.(Math.min(done * size, images.length), images.length),
      })
      const shares = (await peers?.exchange(found.perImage)) ?? [found.perImage]
      const perImage = images.map((_, index) => shares[index % size]![Math.floor(index / size)])
      if (!signal.aborted) onLocalized?.(perImage)
      return { [localizationMetric]: 1 - localizationFigures(images, perImage).gtClassError }
    },
  }
}
