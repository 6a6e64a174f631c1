import * as tf from "@tensorflow/tfjs-core"
import { relu } from "../engine/ops/relu.js"
import type { Initializer, Scope } from "../tensor/parameters.js"
import { type Linear, linear, type RegionFeatures } from "./head.js"

/** Length of the vectors. @source FPN (Lin et al. 2017), section 4.2; torchvision `TwoMLPHead` */
export const linearChannels = 1024

export interface LinearHeadSizes {
  /** Of the features. */
  readonly channels: number
  /** Side of a pooled region in bins. */
  readonly size: number
  /** Names of the layers. */
  readonly layers: readonly string[]
}

/** Linear layers with ReLU on every region, such as the `fc6` and `fc7` of pyramid detectors. */
export class LinearHead implements RegionFeatures {
  readonly channels = linearChannels
  readonly #layers: readonly Linear[]

  constructor(scope: Scope, { channels, size, layers }: LinearHeadSizes) {
    this.#layers = layers.map((name, index) => {
      const inputs = index === 0 ? channels * size * size : linearChannels
      return linear(scope.in(name), inputs, linearChannels, uniformByInputs(inputs))
    })
  }

  apply(pooled: tf.Tensor4D): tf.Tensor2D {
    // PyTorch's order, channel by channel, so that its weights fit.
    const flat = tf.reshape(tf.transpose(pooled, [0, 3, 1, 2]), [pooled.shape[0], -1]) as tf.Tensor2D
    return this.#layers.reduce((x, { weight, bias }) => relu(tf.add<tf.Tensor2D>(tf.matMul(x, weight), bias)), flat)
  }
}

/** Uniform within 1 / sqrt(inputs), biases too. @source PyTorch's default for linear layers */
const uniformByInputs =
  (inputs: number): Initializer =>
  (shape, random) =>
    Float32Array.from(
      { length: shape.reduce((product, length) => product * length, 1) },
      () => (2 * random.uniform() - 1) / Math.sqrt(inputs),
    )
