import * as tf from "@tensorflow/tfjs-core"
import { constant, normal, type Scope } from "../tensor/parameters.js"
import { type NetworkSpec, stageChannels } from "./architecture.js"
import { MeanPicture, type MeanPictureOptions } from "./mean-picture.js"
import type { NormKind, Pass } from "./norm.js"
import type { Observer } from "./observer.js"
import { Stage } from "./stage.js"
import { Stem } from "./stem.js"

export interface TrunkOptions {
  readonly norm: NormKind
  /** That of conv5 where it is another, as where a file had no conv5 to start from. */
  readonly conv5Norm?: NormKind
  /** How many stages stand behind the stem: 3 ends with the paper's conv4 (stride 16), 4 with conv5 (stride 32). */
  readonly stages: number
  /** How many parts do not train, from the image on: 0 none, 1 the stem, 2 the stem and layer1, ... */
  readonly frozen: number
}

/** @source detectron2: FREEZE_AT 2 with frozen batch norm, features of the C4 models up to res4 */
export const trunkDefaults: TrunkOptions = { norm: "frozen", stages: 3, frozen: 2 }

/**
 * The shared features of a detector: stem and first stages of a ResNet, images `[N, H, W, 3]` normalised float32 to maps
 * `[N, H / stride, W / stride, channels]`, sizes rounded up. Parameters: `conv1.*`, `layer1.*`, ... in the scope.
 *
 * `features(images)` is `trainable(frozen(images))`; a training step runs `frozen` outside the gradient tape, so that
 * nothing below the trainable parts is kept or computed for gradients.
 */
export class Trunk {
  /** Channels of the maps it gives. */
  readonly channels: number
  /** Input pixels from one map cell to the next. */
  readonly stride: number
  readonly #parts: readonly (Stem | Stage)[]
  readonly #frozen: number
  /** How many of the frozen parts a pyramid can do without: the stem and layer1. */
  readonly #stem: number

  constructor(scope: Scope, spec: NetworkSpec, options: Partial<TrunkOptions> = {}) {
    const { norm, stages, frozen, conv5Norm = norm } = { ...trunkDefaults, ...options }
    const kept = spec.stages.slice(0, stages)
    this.channels = stageChannels(kept.at(-1)!)
    this.stride = totalStride({ ...spec, stages: kept })
    this.#parts = [
      new Stem(scope, spec.stem, spec.pool, norm),
      ...kept.map((stage, index) => new Stage(scope.in(`layer${index + 1}`), stage, index < 3 ? norm : conv5Norm)),
    ]
    this.#frozen = frozen
    this.#stem = Math.min(frozen, 2)
    const names = ["conv1.", "bn1.", ...kept.map((_, index) => `layer${index + 1}.`)]
    const fixed = frozen === 0 ? [] : names.slice(0, frozen + 1)
    scope.parameters.freeze(...fixed.map((name) => scope.prefix + name))
  }

  /** The parts that do not train; the images themselves where all train. */
  frozen(images: tf.Tensor4D): tf.Tensor4D {
    return this.#run(images, 0, this.#frozen, "forward")
  }

  /** The parts behind `frozen`, for testing. */
  trainable(maps: tf.Tensor4D): tf.Tensor4D {
    return this.#run(maps, this.#frozen, this.#parts.length, "forward")
  }

  /** As `frozen`, but not beyond layer1: a pyramid needs the maps of every stage. */
  frozenStem(images: tf.Tensor4D): tf.Tensor4D {
    return this.#run(images, 0, this.#stem, "forward")
  }

  /** What stands behind `frozenStem`, with the maps of every stage (conv2, conv3, ...), finest first; for testing. */
  trainableLevels(maps: tf.Tensor4D): tf.Tensor4D[] {
    return this.#levels(maps, "forward")
  }

  /** As `trainableLevels`, for training. */
  trainLevels(maps: tf.Tensor4D): tf.Tensor4D[] {
    return this.#levels(maps, "train")
  }

  /** The parts behind `frozen`, for training: batch norm uses the batch's statistics and moves the running ones. */
  train(maps: tf.Tensor4D): tf.Tensor4D {
    return this.#run(maps, this.#frozen, this.#parts.length, "train")
  }

  /** All parts, for testing. */
  features(images: tf.Tensor4D): tf.Tensor4D {
    return this.trainable(this.frozen(images))
  }

  /** As `features`, showing what each convolution but the projections gives before its ReLU or addition. */
  observe(images: tf.Tensor4D, observe: Observer): tf.Tensor4D {
    return this.#parts.reduce((maps, part) => part.forward(maps, observe), images)
  }

  /** As `features`, with the maps of every stage (conv2, conv3, ...), finest first. */
  pyramid(images: tf.Tensor4D): tf.Tensor4D[] {
    const maps = [images]
    for (const part of this.#parts) maps.push(part.forward(maps.at(-1)!))
    return maps.slice(2)
  }

  #levels(maps: tf.Tensor4D, pass: Pass): tf.Tensor4D[] {
    const all = [maps]
    for (let part = this.#stem; part < this.#parts.length; part++)
      all.push(this.#run(all.at(-1)!, part, part + 1, pass))
    return all.slice(2 - this.#stem)
  }

  /** Frozen parts keep their statistics in training too. */
  #run(x: tf.Tensor4D, from: number, to: number, pass: Pass): tf.Tensor4D {
    return this.#parts
      .slice(from, to)
      .reduce((maps, part, index) => part[from + index < this.#frozen ? "forward" : pass](maps), x)
  }
}

export interface ClassifierOptions {
  /** As many as the network usually has when left out. */
  readonly classes?: number
  readonly norm: NormKind
  /** How many parts do not train, as a trunk's. */
  readonly frozen: number
  /** Given where a mean picture is taken off images of its size. */
  readonly meanPicture?: MeanPictureOptions | undefined
}

/** @source He et al. 2016 section 3.4: batch norm behind every convolution */
export const classifierDefaults: ClassifierOptions = { norm: "batch", frozen: 0 }

/** A classification network: all stages, global average pool and one linear layer `fc`. */
export class ResNet {
  readonly trunk: Trunk
  readonly #meanPicture: MeanPicture | undefined
  readonly #weight: tf.Tensor2D
  readonly #bias: tf.Tensor1D

  constructor(scope: Scope, spec: NetworkSpec, options: Partial<ClassifierOptions> = {}) {
    const { classes = spec.classes, norm, frozen, meanPicture } = { ...classifierDefaults, ...options }
    this.#meanPicture = meanPicture && new MeanPicture(scope, meanPicture)
    this.trunk = new Trunk(scope, spec, { norm, stages: spec.stages.length, frozen })
    const fc = scope.in("fc")
    // The paper gives no initialisation for this layer; this is that of its sibling layers in detection.
    this.#weight = fc.create("weight", "linear", [this.trunk.channels, classes], normal(0.01)) as tf.Tensor2D
    this.#bias = fc.create("bias", "bias", [classes], constant(0)) as tf.Tensor as tf.Tensor1D
  }

  /** Images `[N, H, W, 3]`, normalised float32, to logits `[N, classes]`, for testing. */
  forward(images: tf.Tensor4D): tf.Tensor2D {
    return this.#classify(this.#features(images))
  }

  /** What the parts that do not train make of images, for `train`; run it outside the gradient tape. */
  frozenFeatures(images: tf.Tensor4D): tf.Tensor4D {
    return this.trunk.frozen(this.#enter(images))
  }

  /**
   * As `forward`, for training: batch norm uses the batch's statistics and moves the running ones.
   * @param stem `frozenFeatures` of the images
   */
  train(stem: tf.Tensor4D): tf.Tensor2D {
    return this.#classify(this.trunk.train(stem))
  }

  /**
   * As `forward` at every place of larger images `[N, H, W, 3]`: the average pool is taken over each `window` x `window`
   * cells of the last maps, stride 1, and the linear layer is applied to each. Smaller maps are pooled whole.
   * @returns `[N * rows * columns, classes]`, places of an image in reading order
   */
  dense(images: tf.Tensor4D, window: number): tf.Tensor2D {
    const maps = this.#features(images)
    const [, height, width, channels] = maps.shape
    const pooled = tf.avgPool(maps, [Math.min(window, height), Math.min(window, width)], 1, "valid")
    return this.#linear(tf.reshape(pooled, [-1, channels]))
  }

  /** As `forward`, showing what each convolution but the projections gives before its ReLU or addition. */
  observe(images: tf.Tensor4D, observe: Observer): void {
    this.trunk.observe(this.#enter(images), observe)
  }

  #enter(images: tf.Tensor4D): tf.Tensor4D {
    return this.#meanPicture?.takeOff(images) ?? images
  }

  #features(images: tf.Tensor4D): tf.Tensor4D {
    return this.trunk.features(this.#enter(images))
  }

  #classify(maps: tf.Tensor4D): tf.Tensor2D {
    return this.#linear(tf.mean<tf.Tensor2D>(maps, [1, 2]))
  }

  #linear(features: tf.Tensor2D): tf.Tensor2D {
    return tf.add(tf.matMul(features, this.#weight), this.#bias)
  }
}

function totalStride({ stem, pool, stages }: NetworkSpec): number {
  const blocks = stages.flat().map(({ layers }) => layers.reduce((product, { stride }) => product * stride, 1))
  return blocks.reduce((product, stride) => product * stride, stem.stride * (pool ? 2 : 1))
}
