import * as tf from "@tensorflow/tfjs-core"
import type { Initializer, Scope } from "../tensor/parameters.js"
import { type NetworkSpec, stageChannels } from "./architecture.js"
import { type ConvolutionUnit, convolutionUnit, type NormKind, type Pass } from "./norm.js"
import { Trunk, type TrunkOptions } from "./resnet.js"

/** Channels of every level. @source FPN (Lin et al. 2017), section 3 */
export const pyramidChannels = 256

/** P2 to P5 on conv2 to conv5, and P6 for the RPN. */
export const pyramidLevels = 5

/** Input pixels to a cell of the finest level, the paper's P2. */
export const pyramidStride = 4

/**
 * A feature pyramid: on each level a 1x1 convolution of that stage's maps, plus the next coarser level at twice its size,
 * then a 3x3 convolution. One level more, every second cell of the coarsest, serves the RPN.
 * Parameters: `inner_blocks.N.0.*` and `layer_blocks.N.0.*` in the scope, their norms' `inner_blocks.N.1.*` and so on.
 * @source FPN (Lin et al. 2017), section 3; torchvision `FeaturePyramidNetwork` with `LastLevelMaxPool`
 */
export class FeaturePyramid {
  readonly #inner: readonly ConvolutionUnit[]
  readonly #outer: readonly ConvolutionUnit[]

  /**
   * @param channels of each stage's maps, finest first
   * @param norm behind every convolution; none in the paper and in torchvision's first pyramids
   */
  constructor(scope: Scope, channels: readonly number[], norm: NormKind | "none" = "none") {
    const unit = (name: string, level: number, kernel: number, from: number) => {
      const spec = { conv: "0", norm: "1", kernel, stride: 1, in: from, out: pyramidChannels }
      return convolutionUnit(scope.in(name).in(level), spec, norm, lecunUniform)
    }
    this.#inner = channels.map((from, level) => unit("inner_blocks", level, 1, from))
    this.#outer = channels.map((_, level) => unit("layer_blocks", level, 3, pyramidChannels))
  }

  /**
   * For testing.
   * @param maps `[N, H, W, C]` of each stage, finest first, each half the size of the one before, rounded up
   * @returns P2, P3, ... as many as there are maps, and one more of half the coarsest's size, all `[N, H, W, 256]`
   */
  apply(maps: readonly tf.Tensor4D[]): tf.Tensor4D[] {
    return this.#run(maps, "forward")
  }

  /** As `apply`, for training: batch norm uses the batch's statistics and moves the running ones. */
  train(maps: readonly tf.Tensor4D[]): tf.Tensor4D[] {
    return this.#run(maps, "train")
  }

  #run(maps: readonly tf.Tensor4D[], pass: Pass): tf.Tensor4D[] {
    const levels: tf.Tensor4D[] = []
    let coarser: tf.Tensor4D | undefined
    for (let level = maps.length - 1; level >= 0; level--) {
      const own = this.#inner[level]![pass](maps[level]!, false)
      coarser = coarser === undefined ? own : tf.add<tf.Tensor4D>(own, doubled(coarser, own.shape))
      levels.unshift(this.#outer[level]![pass](coarser, false))
    }
    // A pool over single pixels, as strided slices have no gradient.
    return [...levels, tf.avgPool(levels.at(-1)!, 1, 2, "valid")]
  }
}

/** A whole ResNet (`body.*`) with a feature pyramid (`fpn.*`): images to the levels P2 to P6. */
export class PyramidTrunk {
  /** Channels of every level. */
  readonly channels = pyramidChannels
  readonly #body: Trunk
  readonly #pyramid: FeaturePyramid

  /** @param norm of the ResNet, `conv5Norm` of its conv5, and `pyramidNorm` of the pyramid, which has none otherwise */
  constructor(
    scope: Scope,
    spec: NetworkSpec,
    { pyramidNorm, ...body }: Pick<TrunkOptions, "norm" | "conv5Norm" | "frozen"> & { pyramidNorm?: NormKind },
  ) {
    this.#body = new Trunk(scope.in("body"), spec, { ...body, stages: spec.stages.length })
    this.#pyramid = new FeaturePyramid(scope.in("fpn"), spec.stages.map(stageChannels), pyramidNorm)
  }

  /** The stem and layer1 where they do not train; the images themselves where they do. */
  frozen(images: tf.Tensor4D): tf.Tensor4D {
    return this.#body.frozenStem(images)
  }

  /** The rest, for testing: P2, P3, P4, P5, P6. */
  trainable(stem: tf.Tensor4D): tf.Tensor4D[] {
    return this.#pyramid.apply(this.#body.trainableLevels(stem))
  }

  /** As `trainable`, for training: batch norm uses the batch's statistics and moves the running ones. */
  train(stem: tf.Tensor4D): tf.Tensor4D[] {
    return this.#pyramid.train(this.#body.trainLevels(stem))
  }
}

/** Each cell four times, cut to the finer map: nearest neighbours, in operations that every engine has gradients for. */
function doubled(maps: tf.Tensor4D, [, fineHeight, fineWidth]: readonly number[]): tf.Tensor4D {
  const [n, height, width, channels] = maps.shape
  const columns = tf.reshape(maps, [n * height, width, 1, channels])
  const wide = tf.reshape(tf.concat([columns, columns], 2), [n * height, 1, 2 * width * channels])
  const tall: tf.Tensor4D = tf.reshape(tf.concat([wide, wide], 1), [n, 2 * height, 2 * width, channels])
  return tf.slice(tall, [0, 0, 0, 0], [n, fineHeight!, fineWidth!, channels])
}

/** Uniform with variance 1 / (inputs of an output). @source torchvision `FeaturePyramidNetwork`: kaiming_uniform, a = 1 */
const lecunUniform: Initializer = (shape, random) => {
  const inputs = shape.slice(0, -1).reduce((product, length) => product * length, 1)
  const bound = Math.sqrt(3 / inputs)
  return Float32Array.from({ length: inputs * shape.at(-1)! }, () => bound * (2 * random.uniform() - 1))
}
