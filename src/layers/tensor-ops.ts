import * as tf from "@tensorflow/tfjs-core"
import type { Scope } from "../core/parameters.js"
import { averagePool } from "../engine/ops/average-pool.js"
import { batchNormEpsilon, batchNormOfBatch } from "../engine/ops/batch-norm.js"
import { type ConvolutionOptions, convolution } from "../engine/ops/convolution/convolution.js"
import { groupNorm } from "../engine/ops/group-norm.js"
import { stemPool } from "../engine/ops/max-pool.js"
import { addRelu, relu } from "../engine/ops/relu.js"
import type { ConvOptions, LayerSpec, Ops } from "./ops.js"

/** How much of the running statistics a training batch replaces. @source torchvision: BatchNorm2d's default */
const batchNormMomentum = 0.1

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

export type OnStatistics = (statistics: BatchStatistics) => void

/** Runs descriptions on tensors for testing: batch norm uses its running statistics. */
export const testingOps = (scope: Scope): Ops<tf.Tensor> => tensorOps(scope, folded)

/**
 * Runs descriptions on tensors for training: batch norm uses the batch's statistics and moves the running ones. With
 * `onStatistics` it tells the batch's and leaves the running ones as they are.
 */
export const trainingOps = (scope: Scope, onStatistics?: OnStatistics): Ops<tf.Tensor> =>
  tensorOps(scope, onStatistics ? telling(onStatistics) : moving)

/** A convolution that is asked for, with its parameters. */
interface Unit {
  readonly x: tf.Tensor4D
  readonly filter: tf.Tensor4D
  readonly geometry: Required<Pick<ConvolutionOptions, "stride" | "padding" | "dilation">>
  readonly relu: boolean
  /** The norm's place. */
  readonly norm: Scope
}

/** A convolution with the batch norm behind it. */
type BatchNormUnit = (unit: Unit) => tf.Tensor4D

function tensorOps(scope: Scope, batchNorm: BatchNormUnit): Ops<tf.Tensor> {
  return {
    in: (part) => tensorOps(scope.in(part), batchNorm),
    frozen: () => tensorOps(scope, folded),
    conv(x, spec, options) {
      const unit = unitOf(x as tf.Tensor4D, scope, spec, options)
      const { filter, geometry, relu: withRelu } = unit
      if (options.norm === "batch") return batchNorm(unit)
      if (options.norm === "unfolded") return folded(unit)
      if (options.norm === "group") return grouped(unit)
      const bias = scope.get<tf.Rank.R1>(`${spec.conv}.bias`)
      return convolution(unit.x, filter, bias, { ...geometry, relu: withRelu })
    },
    linear(x, { name }, { relu: withRelu = false } = {}) {
      const [weight, bias] = [scope.get<tf.Rank.R2>(`${name}.weight`), scope.get<tf.Rank.R1>(`${name}.bias`)]
      const y = tf.add(tf.matMul(x as tf.Tensor2D, weight), bias)
      return withRelu ? relu(y) : y
    },
    relu,
    add: (a, b, { relu: withRelu = false } = {}) => (withRelu ? addRelu(a, b) : tf.add(a, b)),
    maxPool: (x) => stemPool(x as tf.Tensor4D),
    // A pool over single pixels, as strided slices have no gradient.
    subsample: (x, stride) => (stride === 1 ? x : tf.avgPool(x as tf.Tensor4D, 1, stride, "valid")),
    padChannels(x, before, behind) {
      const none: [number, number] = [0, 0]
      return tf.pad(x, [none, none, none, [before, behind]])
    },
    secondLessFirst(x, half) {
      const from = (start: number) =>
        tf.slice(x, [...x.shape.slice(1).map(() => 0), start], [...x.shape.slice(0, -1), half])
      return tf.sub(from(half), from(0))
    },
    upsample: (x, like) => doubled(x as tf.Tensor4D, like.shape),
    averagePool: (x) => averagePool(x as tf.Tensor4D),
    flatten: (x) => tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0]!, -1]),
  }
}

function unitOf(
  x: tf.Tensor4D,
  scope: Scope,
  { conv, norm, kernel, stride, dilation = 1 }: LayerSpec,
  { relu = false }: ConvOptions,
): Unit {
  const geometry = { stride, padding: (dilation * (kernel - 1)) / 2, dilation }
  return { x, filter: scope.get<tf.Rank.R4>(`${conv}.weight`), geometry, relu, norm: scope.in(norm) }
}

const scaleOf = (norm: Scope) => norm.get<tf.Rank.R1>("weight")
const offsetOf = (norm: Scope) => norm.get<tf.Rank.R1>("bias")

/** The norm with its running statistics, folded into the filter: cheaper than a pass over the maps. */
function folded({ x, filter, geometry, relu, norm }: Unit): tf.Tensor4D {
  const [mean, variance] = [norm.get("running_mean"), norm.get("running_var")]
  const factor = tf.mul(scaleOf(norm), tf.rsqrt(tf.add(variance, batchNormEpsilon)))
  const bias: tf.Tensor1D = tf.sub(offsetOf(norm), tf.mul(mean, factor))
  return convolution(x, tf.mul(filter, factor), bias, { ...geometry, relu })
}

/** The norm of the batch, which moves the running statistics. */
function moving({ x, filter, geometry, relu, norm }: Unit): tf.Tensor4D {
  const maps = convolution(x, filter, null, geometry)
  const [mean, variance] = [norm.get<tf.Rank.R1>("running_mean"), norm.get<tf.Rank.R1>("running_var")]
  const running = { mean, variance, momentum: batchNormMomentum }
  const moved = batchNormOfBatch(maps, scaleOf(norm), offsetOf(norm), { relu, running })
  mean.assign(moved.mean)
  variance.assign(moved.variance)
  return moved.y
}

/** The norm of the batch, whose statistics are told. */
function telling(onStatistics: OnStatistics): BatchNormUnit {
  return ({ x, filter, geometry, relu, norm }) => {
    const maps = convolution(x, filter, null, geometry)
    const { y, mean, variance } = batchNormOfBatch(maps, scaleOf(norm), offsetOf(norm), { relu })
    onStatistics({ name: norm.prefix.slice(0, -1), mean, variance, count: maps.size / maps.shape[3] })
    return y
  }
}

function grouped({ x, filter, geometry, relu: withRelu, norm }: Unit): tf.Tensor4D {
  const y = groupNorm(convolution(x, filter, null, geometry), scaleOf(norm), offsetOf(norm))
  return withRelu ? relu(y) : y
}

/** Each cell four times, cut to the finer map: nearest neighbours, in operations that every engine has gradients for. */
function doubled(maps: tf.Tensor4D, [, fineHeight, fineWidth]: readonly number[]): tf.Tensor4D {
  const [n, height, width, channels] = maps.shape
  const columns = tf.reshape(maps, [n * height, width, 1, channels])
  const wide = tf.reshape(tf.concat([columns, columns], 2), [n * height, 1, 2 * width * channels])
  const tall: tf.Tensor4D = tf.reshape(tf.concat([wide, wide], 1), [n, 2 * height, 2 * width, channels])
  return tf.slice(tall, [0, 0, 0, 0], [n, fineHeight!, fineWidth!, channels])
}
