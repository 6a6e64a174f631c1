import type * as tf from "@tensorflow/tfjs-core"
import type { Scope } from "../core/parameters.js"
import type { Ops } from "../layers/ops.js"
import { createParameters } from "../layers/parameters.js"
import { type OnStatistics, testingOps, trainingOps } from "../layers/tensor-ops.js"

/**
 * What all regions of an image share: images `[N, H, W, 3]`, normalised RGB, to maps, finest first. This is all that a
 * detector asks of a backbone; what is described with `Ops` has it by `createBackbone`.
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

/** A backbone that is described once: so it can be trained, tested, exported to ONNX and counted. */
export interface BackboneSpec extends Pick<Backbone, "channels" | "strides"> {
  /** The layers that do not train. Left out where all train. */
  frozen?<T>(ops: Ops<T>, images: T): T
  /** The rest: a map for each stride. */
  features<T>(ops: Ops<T>, stem: T): readonly T[]
}

/** A described backbone's maps, from the image on. */
export function describedMaps<T>(ops: Ops<T>, spec: BackboneSpec, images: T): readonly T[] {
  return spec.features(ops, spec.frozen?.(ops.frozen(), images) ?? images)
}

/** Creates the parameters of a described backbone in a scope, and gives what runs it. */
export function createBackbone(scope: Scope, spec: BackboneSpec): Required<Backbone> {
  createParameters(scope, (ops) => describedMaps(ops, spec, null))
  const testing = testingOps(scope)
  const training = trainingOps(scope)
  const maps = (ops: Ops<tf.Tensor>, stem: tf.Tensor) => spec.features(ops, stem) as readonly tf.Tensor4D[]
  return {
    channels: spec.channels,
    strides: spec.strides,
    frozen: (images) => (spec.frozen?.<tf.Tensor>(testing, images) ?? images) as tf.Tensor4D,
    features: (stem) => maps(testing, stem),
    train: (stem, onStatistics) => maps(onStatistics ? trainingOps(scope, onStatistics) : training, stem),
  }
}
