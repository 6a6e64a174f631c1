import * as tf from "@tensorflow/tfjs-core"
import type { ResNet } from "../backbone/resnet.js"
import { softmaxCrossEntropy } from "../tensor/losses.js"
import type { Parameters } from "../tensor/parameters.js"
import { mixSeeds, seededRandom, shuffleFirst } from "../tensor/random.js"
import type { TrainingTask } from "../train/run.js"

/** A classification set that fits in memory. */
export interface LabelledPixels {
  /** `[count, side, side, 3]` RGB, 0..255. */
  readonly pixels: Uint8Array
  /** `[count]` 0..K-1. */
  readonly labels: Uint8Array
  readonly count: number
  readonly side: number
}

/** Positions of the images of one step, and their pictures' values ready for the network. */
export interface PixelBatch {
  /** Position in the epoch, from 0. */
  readonly index: number
  readonly images: readonly number[]
  /** `[N * side * side * 3]` normalised float32. */
  readonly values: Float32Array
}

export interface PixelOptions {
  readonly batch: number
  readonly seed: number
  readonly mean: readonly [number, number, number]
  readonly deviation: readonly [number, number, number]
}

/**
 * A ResNet and a set in memory as something `runTraining` can train. Every epoch has its own order, drawn from the seed;
 * images that do not fill a batch sit out that epoch.
 */
export function pixelTask(
  network: ResNet,
  parameters: Parameters,
  set: LabelledPixels,
  options: PixelOptions,
): TrainingTask<PixelBatch> {
  const batchesPerEpoch = Math.floor(set.count / options.batch)
  return {
    parameters,
    batchesPerEpoch,
    async *batches(epoch, start) {
      const order = Int32Array.from({ length: set.count }, (_, i) => i)
      shuffleFirst(order, order.length, seededRandom(mixSeeds(options.seed, epoch)))
      for (let index = start; index < batchesPerEpoch; index++) {
        const images = [...order.subarray(index * options.batch, (index + 1) * options.batch)]
        yield { index, images, values: normalised(set, images, options) }
      }
    },
    next: ({ index }) => index + 1,
    prepare: ({ images, values }) => tf.tensor4d(values, [images.length, set.side, set.side, 3]),
    losses: (pixels, { images }) => {
      const labels = images.map((i) => set.labels[i]!)
      return { loss_classifier: tf.mean(softmaxCrossEntropy(network.train(pixels), tf.tensor1d(labels, "int32"))) }
    },
    describe: ({ images }) => images.join(", "),
    waited: () => 0,
  }
}

/** Share of a set's images whose best-scored class is not theirs. */
export function topOneError(network: ResNet, set: LabelledPixels, options: PixelOptions): number {
  let wrong = 0
  for (let from = 0; from < set.count; from += options.batch) {
    const images = Array.from({ length: Math.min(options.batch, set.count - from) }, (_, i) => from + i)
    const said = tf.tidy(() => {
      const pixels = tf.tensor4d(normalised(set, images, options), [images.length, set.side, set.side, 3])
      return tf.argMax(network.forward(pixels), 1).dataSync()
    })
    wrong += images.filter((image, i) => said[i] !== set.labels[image]).length
  }
  return wrong / set.count
}

function normalised({ pixels, side }: LabelledPixels, images: readonly number[], options: PixelOptions): Float32Array {
  const length = 3 * side * side
  const values = new Float32Array(images.length * length)
  images.forEach((image, n) => {
    for (let i = 0; i < length; i++) {
      const c = i % 3
      values[n * length + i] = (pixels[image * length + i]! / 255 - options.mean[c]!) / options.deviation[c]!
    }
  })
  return values
}
