import * as tf from "@tensorflow/tfjs-core"
import { relu } from "../engine/relu.js"
import type { Initializer, Scope } from "../tensor/parameters.js"
import { type Linear, linear, type RegionFeatures } from "./head.js"

/** Length of the vectors. @source FPN (Lin et al. 2017), section 4.2; torchvision `TwoMLPHead` */
export const linearChannels = 1024

/** Two linear layers with ReLU, `fc6` and `fc7`, on every region: the head of pyramid detectors. */
export class LinearHead implements RegionFeatures {
  readonly channels = linearChannels
  readonly #layers: readonly Linear[]

  /** @param channels of the features; `size` is the side of a pooled region in bins */
  constructor(scope: Scope, { channels, size }: { channels: number; size: number }) {
    this.#layers = [
      linear(scope.in("fc6"), channels * size * size, linearChannels, uniformByInputs(channels * size * size)),
      linear(scope.in("fc7"), linearChannels, linearChannels, uniformByInputs(linearChannels)),
    ]
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
