import * as tf from "@tensorflow/tfjs-core"
import type { BoxLossOptions } from "../boxes/box-loss.js"
import { type Boxes, concatFloat32 } from "../boxes/boxes.js"
import type { MatchOptions } from "../boxes/matcher.js"
import type { SampleOptions } from "../boxes/sampler.js"
import type { Random } from "../core/random.js"
import type { Size } from "../core/shapes.js"
import { isOnCuda } from "../engine/native/op.js"
import { withData } from "../engine/readback.js"
import { besideContext, wholeImages } from "./context.js"
import { alignOnDevice } from "./device-align.js"
import { areWithin, poolOnDevice } from "./device-pool.js"
import type { BoxHead, BoxPredictor } from "./head.js"
import { alignOnLevels, alignsOnDevice, regionsOnDevice } from "./levels.js"
import { type RegionGoals, regionGoals, roiLosses } from "./loss.js"
import type { PoolingOptions } from "./pooling.js"
import type { Predictions } from "./predictions.js"
import { readPredictions } from "./read-predictions.js"
import { roiTargets } from "./targets.js"

export interface RoiHeadsParts {
  readonly boxHead: BoxHead
  readonly predictor: Pick<BoxPredictor, "apply">
}

export interface RoiHeadsOptions {
  /** Input pixels per cell of each level. */
  readonly strides: readonly number[]
  readonly align: PoolingOptions
  /** Whether each region is seen beside its whole image. */
  readonly context: boolean
  readonly match: MatchOptions
  readonly sample: SampleOptions
  readonly loss: BoxLossOptions
  /** Of background and the classes 1..K, in the loss of the classes; 1 each where left out. */
  readonly classWeights?: readonly number[]
}

/** The truths of one image, in input pixels. */
export interface RegionTruths {
  /** `[G * 4]`, with `labels` `[G]` 1..K. */
  readonly boxes: Boxes
  readonly labels: Int32Array
  /** `[C * 4]` regions inside which nothing counts as background. */
  readonly crowds: Boxes
}

/**
 * What runs on every region: pooling, a head that makes a vector of each, and a predictor that names and refines it. It
 * owns the matching and sampling of regions, and its losses.
 *
 * Levels are `[N, H, W, C]`, finest first; regions `[R * 4]` of each of the N images, input pixels; sizes `[height, width]`
 * of each image inside its padded input.
 * @source Girshick 2015; torchvision `RoIHeads`
 */
export class RoiHeads {
  readonly options: RoiHeadsOptions
  readonly #parts: RoiHeadsParts

  constructor(parts: RoiHeadsParts, options: RoiHeadsOptions) {
    this.#parts = parts
    this.options = options
  }

  /** The vector of each region `[R, channels]`, all images' regions in one list; for testing. */
  boxFeatures(levels: readonly tf.Tensor4D[], regions: readonly Float32Array[], sizes: readonly Size[]): tf.Tensor2D {
    const images = regions.flatMap((own, n) => new Array<number>(own.length / 4).fill(n))
    return this.#beside(this.#parts.boxHead.apply(this.pooled(levels, regions, sizes)), tf.tensor1d(images, "int32"))
  }

  /** What the predictor says of each image's regions, by their vectors. */
  predict(boxFeatures: () => tf.Tensor2D, regions: readonly Float32Array[]): Promise<Predictions[]> {
    return withData(
      () => this.#parts.predictor.apply(boxFeatures()),
      (outputs) => readPredictions(outputs, regions),
    )
  }

  /**
   * The two losses over a sample of each image's proposals and truths.
   * @param random draws the samples
   * @returns scalars
   */
  losses(
    levels: readonly tf.Tensor4D[],
    proposals: readonly Float32Array[],
    truths: readonly RegionTruths[],
    sizes: readonly Size[],
    random: Random,
  ) {
    const { regions, goals } = this.sample(proposals, truths, random)
    if (goals.rows.shape[0] === 0) return noLosses()
    return this.lossesOf(this.pooled(levels, regions, sizes), goals)
  }

  /** As `losses`, of a head that is not trained: by its norms of testing, which stay as they are. */
  testLosses(
    levels: readonly tf.Tensor4D[],
    proposals: readonly Float32Array[],
    truths: readonly RegionTruths[],
    sizes: readonly Size[],
    random: Random,
  ) {
    const { regions, goals } = this.sample(proposals, truths, random)
    if (goals.rows.shape[0] === 0) return noLosses()
    return this.#lossesOf(this.#parts.boxHead.apply(this.pooled(levels, regions, sizes)), goals)
  }

  /**
   * A sample of each image's proposals and truths. An image has always as many regions, some of which count nothing where
   * there are fewer: so shapes do not depend on what was found. Where the head takes a mean over regions there is none more.
   */
  sample(proposals: readonly Float32Array[], truths: readonly RegionTruths[], random: Random): RegionSample {
    const targets = truths.map((truth, n) => roiTargets(proposals[n]!, truth, truth.crowds, this.options, random))
    const { batchSizePerImage } = this.options.sample
    const most = this.#parts.boxHead.mixesRegions ? 0 : batchSizePerImage
    const regions = targets.map(({ boxes }) => {
      const more = Math.max(0, most - boxes.length / 4)
      return concatFloat32([boxes, ...new Array<Float32Array>(more).fill(filler)])
    })
    const perImage = regions.map(({ length }) => length / 4)
    return { regions, goals: regionGoals(targets, perImage, this.options.classWeights) }
  }

  /** The regions of each image, behind them each whole image where that is seen too: squares of bins. */
  pooled(levels: readonly tf.Tensor4D[], regions: readonly Float32Array[], sizes: readonly Size[]): tf.Tensor4D {
    const { boxes, images } = this.#regions(regions, sizes)
    return alignOnLevels(levels, boxes, images, this.options.strides, this.options.align)
  }

  /**
   * What `pooled` does, as values for `pooledAt`, which can be recorded.
   * @returns nothing where the shapes of pooling depend on the regions
   */
  regionsToPool(regions: readonly Float32Array[], sizes: readonly Size[]): tf.Tensor2D | undefined {
    const { boxes, images } = this.#regions(regions, sizes)
    const { strides, align } = this.options
    const isPooled = isOnCuda() && align.operator === "pool" && strides.length === 1 && areWithin(boxes, images, sizes)
    if (images.length === 0 || !(isPooled || alignsOnDevice(align))) return undefined
    return regionsOnDevice(boxes, images, strides)
  }

  /** As `pooled`. @param regions of `regionsToPool` */
  pooledAt(levels: readonly tf.Tensor4D[], regions: tf.Tensor2D): tf.Tensor4D {
    const { strides, align } = this.options
    if (align.operator === "pool") return poolOnDevice(levels[0]!, regions, strides[0]!, align.size)
    return alignOnDevice(levels, regions, strides, align)
  }

  #regions(regions: readonly Float32Array[], sizes: readonly Size[]) {
    const images = regions.flatMap((own, n) => new Array<number>(own.length / 4).fill(n))
    if (!this.options.context) return { boxes: concatFloat32(regions), images: Int32Array.from(images) }
    const boxes = concatFloat32([...regions, wholeImages(sizes)])
    return { boxes, images: Int32Array.of(...images, ...sizes.keys()) }
  }

  /** The two losses of what `pooled` gives for a sample, by the head's norms of training. */
  lossesOf(pooled: tf.Tensor4D, goals: RegionGoals) {
    const { boxHead } = this.#parts
    const vectors = boxHead.train ? boxHead.train(pooled) : boxHead.apply(pooled)
    return this.#lossesOf(vectors, goals)
  }

  #lossesOf(vectors: tf.Tensor2D, goals: RegionGoals) {
    return roiLosses(this.#parts.predictor.apply(this.#beside(vectors, goals.images)), goals, this.options.loss)
  }

  /** Vectors of regions, beside that of their whole image where that is seen too. */
  #beside(vectors: tf.Tensor2D, images: tf.Tensor1D): tf.Tensor2D {
    return this.options.context ? besideContext(vectors, images) : vectors
  }
}

const noLosses = () => ({ loss_classifier: tf.scalar(0), loss_box_reg: tf.scalar(0) })

/** A region that counts nothing: a corner of the image. */
const filler = Float32Array.of(0, 0, 1, 1)

/** Some regions of each image, and what should be said of them. */
export interface RegionSample {
  /** `[R * 4]` of each image. */
  readonly regions: readonly Float32Array[]
  readonly goals: RegionGoals
}
