import * as tf from "@tensorflow/tfjs-core"
import type { BoxLossOptions } from "../boxes/box-loss.js"
import { type Boxes, concatFloat32 } from "../boxes/boxes.js"
import type { MatchOptions } from "../boxes/matcher.js"
import type { SampleOptions } from "../boxes/sampler.js"
import type { Random } from "../core/random.js"
import type { Size } from "../core/shapes.js"
import { isOnCuda } from "../engine/native/op.js"
import { noGrad } from "../engine/no-grad.js"
import { withData } from "../engine/readback.js"
import type { MapSizes } from "./anchor-places.js"
import { type AnchorOptions, anchorLevels, levelAnchors } from "./anchors.js"
import { imageLimits, proposeOnDevice, unpackProposals } from "./device-proposals.js"
import type { AnchorOutputs, AnchorPlaces, RpnOutputs } from "./head.js"
import {
  type AnchorGoals,
  anchorGoals,
  anchorGoalsOf,
  anchorGoalTensors,
  rpnLosses,
  sampledAnchors,
  tensorsOfAnchorGoals,
} from "./loss.js"
import { type ProposalOptions, proposeBoxes } from "./proposals.js"
import { noTargets, rpnTargets } from "./targets.js"

/** The layers of an RPN. */
export interface AnchorHead {
  /** What they say of every anchor. @param levels `[N, H, W, C]` each, finest first */
  apply(levels: readonly tf.Tensor4D[]): RpnOutputs
  /** Where some anchors are, for `applyAt`. @param sampled of each of the N images, indices of 0..R-1 */
  places(sizes: readonly MapSizes[], sampled: readonly (readonly number[])[]): AnchorPlaces
  /** The same of some anchors alone. @param places of anchors on levels of these sizes */
  applyAt(levels: readonly tf.Tensor4D[], places: AnchorPlaces): AnchorOutputs
}

export interface RpnOptions {
  readonly anchors: AnchorOptions
  readonly match: MatchOptions
  readonly sample: SampleOptions
  readonly loss: BoxLossOptions
  /** Whether anchors that reach over the image's border take part in training. */
  readonly borderAnchors: boolean
}

/** Some anchors, and what should be said of them. */
export interface AnchorSample {
  readonly places: AnchorPlaces
  readonly goals: AnchorGoals
}

/** A sample as a list, which `anchorSampleOf` takes apart. */
export const tensorsOfAnchorSample = ({ places, goals }: AnchorSample): tf.Tensor[] => [
  ...tensorsOfAnchorGoals(goals),
  ...places.tensors,
]

export const anchorSampleOf = (list: readonly tf.Tensor[]): AnchorSample => ({
  goals: anchorGoalsOf(list.slice(0, anchorGoalTensors)),
  places: { tensors: list.slice(anchorGoalTensors), rows: [] },
})

/** The truths of one image, in input pixels. */
export interface AnchorTruths {
  /** `[G * 4]` */
  readonly boxes: Boxes
  /** `[C * 4]` regions inside which nothing counts as background. */
  readonly crowds: Boxes
}

/**
 * A region proposal network: which of the anchors spread over the maps hold an object, and where exactly. It owns the
 * anchors, their matching and sampling, its losses, and what becomes of its outputs.
 * @source Ren et al. 2015; torchvision `RegionProposalNetwork`
 */
export class Rpn {
  readonly head: AnchorHead
  readonly options: RpnOptions

  constructor(head: AnchorHead, options: RpnOptions) {
    this.head = head
    this.options = options
  }

  /** The anchors of each level `[R * 4]`, input pixels. */
  anchors(levels: readonly tf.Tensor4D[]): Float32Array[] {
    return levelAnchors(mapSizes(levels), this.options.anchors)
  }

  /**
   * The regions of each image worth a closer look.
   * @param sizes `[height, width]` of each of the N images inside its padded input
   * @returns `[P * 4]` an image, input pixels, best first
   */
  propose(levels: readonly tf.Tensor4D[], sizes: readonly Size[], options: ProposalOptions): Promise<Float32Array[]> {
    if (isOnCuda()) {
      return withData(
        () => ({ packed: this.#proposeOnDevice(levels, sizes, options) }),
        ({ packed }) => unpackProposals(packed),
      )
    }
    return withData(
      () => this.head.apply(levels),
      (outputs) => this.#proposals(outputs, levels, sizes, options),
    )
  }

  /** As `propose`, at once and unseen by the gradient tape: no gradient flows through proposals. */
  proposeOffTape(levels: readonly tf.Tensor4D[], sizes: readonly Size[], options: ProposalOptions): Float32Array[] {
    return noGrad(() =>
      isOnCuda()
        ? unpackProposals(this.#proposeOnDevice(levels, sizes, options))
        : this.#proposals(this.head.apply(levels), levels, sizes, options),
    )
  }

  /**
   * The two losses over a sample of each image's anchors, of which alone the head is asked.
   * @param truths of each of the N images
   * @param sizes `[height, width]` of each inside its padded input
   * @param random draws the samples
   * @returns scalars
   */
  losses(levels: readonly tf.Tensor4D[], truths: readonly AnchorTruths[], sizes: readonly Size[], random: Random) {
    return this.lossesAt(levels, this.sample(levels, truths, sizes, random))
  }

  /** A sample of each image's anchors; its tensors have shapes that follow from the levels' alone. */
  sample(
    levels: readonly tf.Tensor4D[],
    truths: readonly AnchorTruths[],
    sizes: readonly Size[],
    random: Random,
  ): AnchorSample {
    const maps = levels.map(({ shape }): MapSizes => [shape[0], shape[1], shape[2]])
    return this.sampleOn(maps, truths, sizes, random)
  }

  /**
   * The same on maps of which the sizes alone are known.
   * @param truths undefined for an image that counts nothing, and is there for the sake of the shapes
   */
  sampleOn(
    maps: readonly MapSizes[],
    truths: readonly (AnchorTruths | undefined)[],
    sizes: readonly Size[],
    random: Random,
  ): AnchorSample {
    const { match, sample, borderAnchors } = this.options
    const grid = maps.map(([, height, width]): Size => [height, width])
    const anchors = concatFloat32(levelAnchors(grid, this.options.anchors))
    const targets = truths.map((own, n) => {
      if (own === undefined) return noTargets
      const within = borderAnchors ? undefined : sizes[n]!
      return rpnTargets(anchors, own.boxes, own.crowds, { match, sample, within }, random)
    })
    const { batchSizePerImage } = sample
    return {
      places: this.head.places(maps, sampledAnchors(targets, batchSizePerImage)),
      goals: anchorGoals(targets, batchSizePerImage),
    }
  }

  /** The two losses over a sample. */
  lossesAt(levels: readonly tf.Tensor4D[], { places, goals }: AnchorSample) {
    return rpnLosses(this.head.applyAt(levels, places), goals, this.options.loss)
  }

  /**
   * What has to be read for `proposalsOf`, of what the head says of the levels: on a GPU the proposals themselves.
   * @param limits of the images, see `imageLimits`
   */
  toRead(
    outputs: RpnOutputs,
    levels: readonly tf.Tensor4D[],
    limits: tf.Tensor3D,
    options: ProposalOptions,
  ): readonly tf.Tensor[] {
    if (!isOnCuda()) return [outputs.logits, outputs.deltas]
    const grid = anchorLevels(mapSizes(levels), this.options.anchors)
    return [proposeOnDevice(outputs, grid, limits, options)]
  }

  /** As `proposeOffTape`, from what `toRead` gave. */
  proposalsOf(
    [first, second]: readonly tf.Tensor[],
    levels: readonly tf.Tensor4D[],
    sizes: readonly Size[],
    options: ProposalOptions,
  ): Float32Array[] {
    if (second === undefined) return unpackProposals(first as tf.Tensor2D)
    return this.#proposals({ logits: first as tf.Tensor2D, deltas: second as tf.Tensor3D }, levels, sizes, options)
  }

  #proposeOnDevice(levels: readonly tf.Tensor4D[], sizes: readonly Size[], options: ProposalOptions): tf.Tensor2D {
    return tf.tidy(() => this.toRead(this.head.apply(levels), levels, imageLimits(sizes), options)[0] as tf.Tensor2D)
  }

  #proposals(
    { logits, deltas }: RpnOutputs,
    levels: readonly tf.Tensor4D[],
    sizes: readonly Size[],
    options: ProposalOptions,
  ): Float32Array[] {
    const anchors = this.anchors(levels)
    const perImage = logits.shape[1]
    const [allLogits, allDeltas] = [logits.dataSync<"float32">(), deltas.dataSync<"float32">()]
    return sizes.map((size, n) => {
      const [from, to] = [n * perImage, (n + 1) * perImage]
      return proposeBoxes(anchors, allLogits.subarray(from, to), allDeltas.subarray(4 * from, 4 * to), size, options)
    })
  }
}

const mapSizes = (levels: readonly tf.Tensor4D[]): Size[] => levels.map(({ shape }) => [shape[1], shape[2]])
