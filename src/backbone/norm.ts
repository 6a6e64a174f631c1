import * as tf from "@tensorflow/tfjs-core"
import { batchNormEpsilon, batchNormOfBatch } from "../engine/ops/batch-norm.js"
import { convolution } from "../engine/ops/convolution/convolution.js"
import { groupNorm } from "../engine/ops/group-norm.js"
import { relu } from "../engine/ops/relu.js"
import { constant, heNormal, type Initializer, type Scope } from "../tensor/parameters.js"
import type { LayerSpec } from "./architecture.js"

export { batchNormEpsilon }

/**
 * Which norm stands behind each convolution:
 * - `frozen`: batch norm as a constant, folded into the convolution's weight and bias; the bias does not train
 * - `batch`: batch norm that trains, with running statistics for testing
 * - `group`: group norm with 32 groups, the same in training and testing
 */
export type NormKind = "frozen" | "batch" | "group"

/** The two ways through a layer: testing, and training (which batch norm alone tells apart). */
export type Pass = "forward" | "train"

/** A convolution with its norm, and a ReLU where `relu` says so. */
export interface ConvolutionUnit {
  forward(x: tf.Tensor4D, relu: boolean): tf.Tensor4D
  train(x: tf.Tensor4D, relu: boolean): tf.Tensor4D
}

/**
 * @param norm `none`: a bias that trains stands in its place
 * @param initialize the filter's first values
 */
export function convolutionUnit(
  scope: Scope,
  spec: LayerSpec,
  norm: NormKind | "none",
  initialize: Initializer = heNormal,
): ConvolutionUnit {
  return new units[norm](scope, spec, initialize)
}

/** How much of the running statistics a training batch replaces. @source torchvision: BatchNorm2d's default */
export const batchNormMomentum = 0.1

/** What one batch norm saw of one batch, channel by channel. */
export interface BatchStatistics {
  /** Of its parameters, such as `layer1.0.bn1`. */
  readonly name: string
  readonly mean: tf.Tensor1D
  /** Unbiased. */
  readonly variance: tf.Tensor1D
  /** Values a channel. */
  readonly count: number
}

type Observer = (statistics: BatchStatistics) => void

let observer: Observer | undefined

/** Runs `passes`, in which training passes tell the batch's statistics and leave the running ones as they are. */
export function observeBatchNorms<Result>(observe: Observer, passes: () => Result): Result {
  const before = observer
  observer = observe
  try {
    return passes()
  } finally {
    observer = before
  }
}

abstract class Unit {
  protected readonly filter: tf.Tensor4D
  protected readonly geometry: { readonly stride: number; readonly padding: number; readonly dilation: number }

  constructor(
    scope: Scope,
    { conv, kernel, stride, dilation = 1, in: channels, out }: LayerSpec,
    initialize: Initializer,
  ) {
    this.geometry = { stride, padding: (dilation * (kernel - 1)) / 2, dilation }
    this.filter = scope.create(`${conv}.weight`, "conv", [kernel, kernel, channels, out], initialize) as tf.Tensor4D
  }
}

class PlainUnit extends Unit implements ConvolutionUnit {
  readonly #bias: tf.Tensor1D

  constructor(scope: Scope, spec: LayerSpec, initialize: Initializer) {
    super(scope, spec, initialize)
    this.#bias = scope.create(`${spec.conv}.bias`, "bias", [spec.out], constant(0)) as tf.Tensor as tf.Tensor1D
  }

  forward(x: tf.Tensor4D, relu: boolean): tf.Tensor4D {
    return convolution(x, this.filter, this.#bias, { ...this.geometry, relu })
  }

  train(x: tf.Tensor4D, relu: boolean): tf.Tensor4D {
    return this.forward(x, relu)
  }
}

/** @source torchvision ops/misc.py FrozenBatchNorm2d: neither statistics nor weight and bias train */
class FrozenUnit extends PlainUnit {
  constructor(scope: Scope, spec: LayerSpec, initialize: Initializer) {
    super(scope, spec, initialize)
    scope.parameters.get(`${scope.prefix}${spec.conv}.bias`)!.trainable = false
  }
}

class BatchUnit extends Unit implements ConvolutionUnit {
  readonly #name: string
  readonly #scale: tf.Tensor1D
  readonly #offset: tf.Tensor1D
  readonly #mean: tf.Variable<tf.Rank.R1>
  readonly #variance: tf.Variable<tf.Rank.R1>

  constructor(scope: Scope, spec: LayerSpec, initialize: Initializer) {
    super(scope, spec, initialize)
    const { norm, out } = spec
    this.#name = scope.prefix + norm
    this.#scale = scope.create(`${norm}.weight`, "norm", [out], constant(1)) as tf.Tensor as tf.Tensor1D
    this.#offset = scope.create(`${norm}.bias`, "norm", [out], constant(0)) as tf.Tensor as tf.Tensor1D
    this.#mean = scope.create(`${norm}.running_mean`, "statistic", [out], constant(0)) as tf.Variable<tf.Rank.R1>
    this.#variance = scope.create(`${norm}.running_var`, "statistic", [out], constant(1)) as tf.Variable<tf.Rank.R1>
  }

  /** Folds the norm into the filter: cheaper than a pass over the maps. */
  forward(x: tf.Tensor4D, relu: boolean): tf.Tensor4D {
    const factor = tf.mul(this.#scale, tf.rsqrt(tf.add(this.#variance, batchNormEpsilon)))
    const bias: tf.Tensor1D = tf.sub(this.#offset, tf.mul(this.#mean, factor))
    return convolution(x, tf.mul(this.filter, factor), bias, { ...this.geometry, relu })
  }

  train(x: tf.Tensor4D, relu: boolean): tf.Tensor4D {
    const maps = convolution(x, this.filter, null, this.geometry)
    if (observer) {
      const { y, mean, variance } = batchNormOfBatch(maps, this.#scale, this.#offset, { relu })
      observer({ name: this.#name, mean, variance, count: maps.size / maps.shape[3] })
      return y
    }
    const running = { mean: this.#mean, variance: this.#variance, momentum: batchNormMomentum }
    const { y, mean, variance } = batchNormOfBatch(maps, this.#scale, this.#offset, { relu, running })
    this.#mean.assign(mean)
    this.#variance.assign(variance)
    return y
  }
}

class GroupUnit extends Unit implements ConvolutionUnit {
  readonly #scale: tf.Tensor1D
  readonly #offset: tf.Tensor1D

  constructor(scope: Scope, spec: LayerSpec, initialize: Initializer) {
    super(scope, spec, initialize)
    this.#scale = scope.create(`${spec.norm}.weight`, "norm", [spec.out], constant(1)) as tf.Tensor as tf.Tensor1D
    this.#offset = scope.create(`${spec.norm}.bias`, "norm", [spec.out], constant(0)) as tf.Tensor as tf.Tensor1D
  }

  forward(x: tf.Tensor4D, withRelu: boolean): tf.Tensor4D {
    const y = groupNorm(convolution(x, this.filter, null, this.geometry), this.#scale, this.#offset)
    return withRelu ? relu(y) : y
  }

  train(x: tf.Tensor4D, withRelu: boolean): tf.Tensor4D {
    return this.forward(x, withRelu)
  }
}

const units = { none: PlainUnit, frozen: FrozenUnit, batch: BatchUnit, group: GroupUnit } as const
