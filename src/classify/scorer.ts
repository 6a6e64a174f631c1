import * as tf from "@tensorflow/tfjs-core"
import type { RgbImage } from "../../datasets/image/rgb.js"
import type { ResNet } from "../backbone/classifier.js"
import type { Normalisation } from "../core/normalisation.js"
import { atLeastOne, withDefaults } from "../core/options.js"
import { withData } from "../engine/readback.js"
import type { OpenClassifier } from "../weights/open-model.js"
import { areNumbered } from "../weights/other-classes.js"
import { sharedClasses } from "../weights/shared-classes.js"
import { scorerBatch } from "./scorer-batch.js"
import {
  type CropSizes,
  checkProcedure,
  cropSizes,
  resizeShorterSide,
  type TestProcedure,
  testDefaults,
  wholeImage,
  writeCrops,
} from "./test-crops.js"

/** One or several classifiers under a test procedure. */
export interface Scorer {
  /** Names of the classes 0..K-1. */
  readonly classes: readonly string[]
  /** Whether numbers only stand for their names, which nobody told: those of a set take their places, in order. */
  readonly isNumbered: boolean
  /** Scores `[n * K]`, each image's adding up to 1. */
  score(images: readonly RgbImage[]): Promise<Float32Array>
  dispose(): void
}

export interface ScorerOptions {
  readonly procedure: TestProcedure
  /** How many crops go through a network at once. */
  readonly batch: number
}

export const scorerDefaults: ScorerOptions = { procedure: testDefaults, batch: scorerBatch }

/**
 * Classifiers as one: the mean of what they score. A network's scores are softmax, averaged over the crops; or over the
 * places and sizes where it is applied densely.
 *
 * Dense testing keeps the network as it was trained: its average pool stays as large as it was over a training image
 * (7x7 cells for 224 pixels) and moves over the maps, as the linear layer and the softmax do. So an image of the
 * training size gives exactly the score of its one crop. Were the pool stretched over all of a larger map, the linear
 * layer would see averages of a kind it never learned from.
 * @throws DataError when the classifiers have other classes
 * @throws UsageError when one of them cannot be tested so
 * @source He et al. 2016 section 3.4; softmax is averaged as in KaimingHe/deep-residual-networks
 */
export function makeScorer(classifiers: readonly OpenClassifier[], overrides: Partial<ScorerOptions> = {}): Scorer {
  const { procedure, batch } = withDefaults("makeScorer", scorerDefaults, overrides, { batch: atLeastOne })
  const classes = sharedClasses(classifiers.map(({ classes }, i) => ({ name: `weights ${i + 1}`, classes })))
  const members = classifiers.map(({ network, config }) => {
    const sizes = cropSizes(config)
    checkProcedure(procedure, config.network, sizes)
    return { network, values: config, sizes }
  })
  return {
    classes,
    isNumbered: classifiers.every((one) => areNumbered(one.classes, one.training)),
    async score(images) {
      const sums = new Float64Array(images.length * classes.length)
      for (const { network, values, sizes } of members) {
        const scores =
          procedure.kind === "dense"
            ? await denseScores(network, images, procedure.scales, values, sizes, classes.length)
            : await cropScores(network, images, procedure.count, values, sizes, batch)
        for (let i = 0; i < sums.length; i++) sums[i]! += scores[i]! / members.length
      }
      return Float32Array.from(sums)
    },
    dispose() {
      for (const { parameters } of classifiers) parameters.dispose()
    },
  }
}

/** `[n * K]` */
async function cropScores(
  network: ResNet,
  images: readonly RgbImage[],
  count: 1 | 10,
  values: Normalisation,
  sizes: CropSizes,
  batch: number,
): Promise<Float64Array> {
  const length = 3 * sizes.size ** 2
  const together = Math.max(1, Math.floor(batch / count))
  const parts: Float64Array[] = []
  for (let from = 0; from < images.length; from += together) {
    const some = images.slice(from, from + together)
    const crops = new Float32Array(some.length * count * length)
    for (const [i, image] of some.entries()) writeCrops(image, sizes, count, values, crops, i * count * length)
    const forward = () => {
      const input = tf.tensor4d(crops, [some.length * count, sizes.size, sizes.size, 3])
      return { means: meanScores(network.forward(input), count) }
    }
    parts.push(await withData(forward, ({ means }) => Float64Array.from(means.dataSync())))
  }
  return joined(parts)
}

/** `[n * K]` */
async function denseScores(
  network: ResNet,
  images: readonly RgbImage[],
  scales: readonly number[],
  values: Normalisation,
  { size }: CropSizes,
  classes: number,
): Promise<Float64Array> {
  const window = Math.ceil(size / network.stride)
  const parts: Float64Array[] = []
  for (const image of images) {
    const sums = new Float64Array(classes)
    for (const scale of scales) {
      const resized = resizeShorterSide(image, scale)
      const whole = wholeImage(resized, values)
      const forward = () => {
        const logits = network.dense(tf.tensor4d(whole, [1, resized.height, resized.width, 3]), window)
        return { means: meanScores(logits, logits.shape[0]) }
      }
      const means = await withData(forward, ({ means }) => means.dataSync().slice())
      for (let k = 0; k < sums.length; k++) sums[k]! += means[k]!
    }
    parts.push(sums.map((sum) => sum / scales.length))
  }
  return joined(parts)
}

/** Softmax of logits `[n * views, K]`, and the mean over the views: `[n, K]`. */
function meanScores(logits: tf.Tensor2D, views: number): tf.Tensor {
  return tf.mean(tf.reshape(tf.softmax(logits), [-1, views, logits.shape[1]]), 1)
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
