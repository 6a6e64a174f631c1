import type * as tf from "@tensorflow/tfjs-core"
import type { BoxLossOptions } from "../boxes/box-loss.js"
import { type Boxes, concatFloat32 } from "../boxes/boxes.js"
import type { MatchOptions } from "../boxes/matcher.js"
import type { SampleOptions } from "../boxes/sampler.js"
import type { Random } from "../core/random.js"
import type { Size } from "../core/shapes.js"
import { withData } from "../engine/readback.js"
import { besideContext, wholeImages } from "./context.js"
import type { BoxHead, BoxPredictor } from "./head.js"
import { alignOnLevels } from "./levels.js"
import { roiLosses } from "./loss.js"
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
    return this.#boxFeatures(levels, regions, sizes, (pooled) => this.#parts.boxHead.apply(pooled))
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
    const { boxHead } = this.#parts
    const head = (pooled: tf.Tensor4D) => (boxHead.train ? boxHead.train(pooled) : boxHead.apply(pooled))
    return this.#losses(levels, proposals, truths, sizes, random, head)
  }

  /** As `losses`, of a head that is not trained: by its norms of testing, which stay as they are. */
  testLosses(
    levels: readonly tf.Tensor4D[],
    proposals: readonly Float32Array[],
    truths: readonly RegionTruths[],
    sizes: readonly Size[],
    random: Random,
  ) {
    return this.#losses(levels, proposals, truths, sizes, random, (pooled) => this.#parts.boxHead.apply(pooled))
  }

  #losses(
    levels: readonly tf.Tensor4D[],
    proposals: readonly Float32Array[],
    truths: readonly RegionTruths[],
    sizes: readonly Size[],
    random: Random,
    head: (pooled: tf.Tensor4D) => tf.Tensor2D,
  ) {
    const targets = truths.map((truth, n) => roiTargets(proposals[n]!, truth, truth.crowds, this.options, random))
    const regions = targets.map(({ boxes }) => boxes)
    const boxFeatures = this.#boxFeatures(levels, regions, sizes, head)
    return roiLosses(this.#parts.predictor.apply(boxFeatures), targets, this.options.loss)
  }

  #boxFeatures(
    levels: readonly tf.Tensor4D[],
    regions: readonly Float32Array[],
    sizes: readonly Size[],
    head: (pooled: tf.Tensor4D) => tf.Tensor2D,
  ): tf.Tensor2D {
    const { strides, align, context } = this.options
    const images = Int32Array.from(regions.flatMap((own, n) => new Array<number>(own.length / 4).fill(n)))
    const featuresOf = (boxes: Float32Array, images: Int32Array) =>
      head(alignOnLevels(levels, boxes, images, strides, align))
    if (!context) return featuresOf(concatFloat32(regions), images)
    const withWhole = featuresOf(
      concatFloat32([...regions, wholeImages(sizes)]),
      Int32Array.of(...images, ...sizes.keys()),
    )
    return besideContext(withWhole, images)
  }
}
