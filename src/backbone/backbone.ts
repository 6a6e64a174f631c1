import type * as tf from "@tensorflow/tfjs-core"

/**
 * What all regions of an image share: images `[N, H, W, 3]`, normalised RGB, to maps, finest first. A detector with a
 * backbone of its own takes any object that has these.
 */
export interface Backbone {
  /** C of every map. */
  readonly channels: number
  /** Input pixels per cell of each map, finest first. */
  readonly strides: readonly number[]
  /** The layers that do not train; they run outside the gradient tape. Left out where all train. */
  frozen?(images: tf.Tensor4D): tf.Tensor4D
  /** The rest, for testing: maps `[N, H / stride, W / stride, C]`, sizes rounded up. */
  features(stem: tf.Tensor4D): readonly tf.Tensor4D[]
  /**
   * As `features`, for training, where that is another way: batch norm uses the batch's statistics and moves the running
   * ones. With `onStatistics` it tells the batch's and leaves the running ones as they are.
   */
  train?(stem: tf.Tensor4D, onStatistics?: OnStatistics): readonly tf.Tensor4D[]
}

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
