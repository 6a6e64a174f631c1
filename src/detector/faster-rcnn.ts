import * as tf from "@tensorflow/tfjs-core"
import { observeBatchNorms } from "../backbone/norm.js"
import { type Detections, joinBoxes } from "../boxes/boxes.js"
import { noGrad } from "../engine/no-grad.js"
import { withData } from "../engine/readback.js"
import { besideContext, wholeImages } from "../roi/context.js"
import type { BoxPredictor, RegionFeatures } from "../roi/head.js"
import { alignOnLevels } from "../roi/levels.js"
import { roiLosses } from "../roi/loss.js"
import type { Predictions } from "../roi/predictions.js"
import { readPredictions } from "../roi/read-predictions.js"
import { type SelectOptions, selectDetections, selectOptions } from "../roi/select.js"
import { roiTargets } from "../roi/targets.js"
import { levelAnchors } from "../rpn/anchors.js"
import type { RpnHead } from "../rpn/head.js"
import { rpnLosses, sampledAnchors } from "../rpn/loss.js"
import type { ProposalOptions } from "../rpn/proposals.js"
import { proposeRegions } from "../rpn/propose.js"
import { rpnTargets } from "../rpn/targets.js"
import type { Random } from "../tensor/random.js"
import { expectShape } from "../tensor/shapes.js"
import type { FasterRcnnOptions } from "./options.js"
import { type TrainingImage, trainingTruths } from "./truths.js"

/** The part of the network that all regions share: conv1 to conv4 of a ResNet, or a whole one with a feature pyramid. */
export interface SharedFeatures {
  /** The stages that do not learn; they run outside the gradient tape. `[N, H, W, 3]` normalised RGB in. */
  frozen(images: tf.Tensor4D): tf.Tensor4D
  /** The rest, to the maps `[N, H / stride, W / stride, C]` of each level, finest first, for testing; C4 has one. */
  trainable(stem: tf.Tensor4D): readonly tf.Tensor4D[]
  /** The same for training, where that is another way: batch norm uses the batch's statistics and moves the running ones. */
  train?(stem: tf.Tensor4D): readonly tf.Tensor4D[]
}

export interface FasterRcnnParts {
  readonly backbone: SharedFeatures
  readonly rpn: RpnHead
  readonly regions: RegionFeatures
  readonly predictor: BoxPredictor
}

type Size = readonly [height: number, width: number]
type Lap = (phase: string) => void
const ignore = () => {}

const mapSize = ({ shape }: tf.Tensor4D): Size => [shape[1], shape[2]]

/** Maps to be disposed of by the caller, even where a backbone hands its input on. */
const owned = (make: () => readonly tf.Tensor4D[]) => tf.tidy(() => make().map((map) => tf.clone(map)))

/**
 * Faster R-CNN: shared features, a network that proposes regions on them, and a head that names and refines each region.
 * @source Ren et al. 2015; He et al. 2015, appendix A, for the ResNet form with conv5 run on every region
 */
export class FasterRcnn {
  readonly #parts: FasterRcnnParts
  readonly options: FasterRcnnOptions

  constructor(parts: FasterRcnnParts, options: FasterRcnnOptions) {
    this.#parts = parts
    this.options = options
  }

  /** The features of the stages that do not learn; run it outside the tape and hand the result to `losses`. */
  frozenFeatures(images: tf.Tensor4D): tf.Tensor4D {
    expectShape("FasterRcnn.frozenFeatures", images, [null, null, null, 3])
    return this.#parts.backbone.frozen(images)
  }

  /**
   * The four losses of a batch.
   * @param stem `frozenFeatures` of the N padded images
   * @param images the N images' sizes and objects, in input pixels
   * @param random draws the samples of anchors and regions
   * @param known where the engine cannot be read under the tape, the images' `proposals` by `proposeAhead`
   * @returns scalars by torchvision's names
   */
  losses(
    stem: tf.Tensor4D,
    images: readonly TrainingImage[],
    random: Random,
    known: { readonly proposals?: readonly Float32Array[] | undefined } = {},
    lap: Lap = ignore,
  ) {
    const { anchors, rpn, proposals, roi, difficult } = this.options
    const head = this.#parts.rpn
    const levels = this.#train(stem)
    lap("backbone")
    const grid = levelAnchors(levels.map(mapSize), anchors)
    const allAnchors = joinBoxes(grid)
    const sizes = images.map(({ height, width }): Size => [height, width])
    const propose = () => {
      const outputs = head.apply(levels)
      lap("rpn")
      return proposeRegions(outputs, grid, sizes, proposals.train)
    }
    // No gradient flows through proposals, and the RPN's own loss looks at a sample of its anchors alone.
    const proposed = known.proposals ?? noGrad(propose)
    const truths = images.map((image) => trainingTruths(image, difficult))
    const anchorTargets = truths.map((truth) => rpnTargets(allAnchors, truth.boxes, truth.crowds, rpn, random))
    const regionTargets = truths.map((truth, n) => roiTargets(proposed[n]!, truth, truth.crowds, roi, random))
    lap("proposals")
    const boxes = regionTargets.map((target) => target.boxes)
    const said = this.#parts.predictor.apply(this.vectors(levels, boxes, sizes, "train"))
    lap("roi")
    const ofAnchors = head.applyAt(levels, sampledAnchors(anchorTargets))
    return { ...rpnLosses(ofAnchors, anchorTargets, rpn.loss), ...roiLosses(said, regionTargets, roi.loss) }
  }

  #train(stem: tf.Tensor4D): readonly tf.Tensor4D[] {
    const { backbone } = this.#parts
    return backbone.train ? backbone.train(stem) : backbone.trainable(stem)
  }

  /**
   * The proposals that `losses` samples from, by a forward pass of their own, outside the tape: for engines that hand values
   * over only to those who wait. No running statistics move.
   * @returns `[P * 4]` an image, in input pixels
   */
  async proposeAhead(stem: tf.Tensor4D, images: readonly TrainingImage[]): Promise<Float32Array[]> {
    const levels = owned(() => observeBatchNorms(ignore, () => this.#train(stem)))
    const sizes = images.map(({ height, width }): Size => [height, width])
    try {
      return await this.#propose(levels, sizes, this.options.proposals.train)
    } finally {
      tf.dispose(levels)
    }
  }

  /**
   * Finds objects.
   * @param images `[N, H, W, 3]` normalised RGB, padded to one size
   * @param sizes each image's `[height, width]` inside it
   * @param wishes thresholds that differ from the detector's own
   * @returns one entry an image, boxes in input pixels, best score first
   * @throws UsageError for a threshold out of range
   */
  async detect(
    images: tf.Tensor4D,
    sizes: readonly Size[],
    wishes: Partial<SelectOptions> = {},
    lap: Lap = ignore,
  ): Promise<Detections[]> {
    const select = selectOptions({ ...this.options.select, ...wishes })
    const levels = owned(() => this.features(images))
    try {
      lap("backbone")
      const proposed = await this.propose(levels, sizes, lap)
      lap("proposals")
      const said = await this.predict(() => this.vectors(levels, proposed, sizes), proposed)
      lap("roi")
      const found = said.map((own, n) => selectDetections(own, sizes[n]!, select))
      lap("select")
      return found
    } finally {
      tf.dispose(levels)
    }
  }

  // The steps of a detection, for what composes them in other ways. Sizes are `[height, width]` of each of the N images
  // inside its padded input, boxes are in input pixels.

  /** `[N, H, W, 3]` normalised RGB to the maps of each level. */
  features(images: tf.Tensor4D): readonly tf.Tensor4D[] {
    return this.#parts.backbone.trainable(this.frozenFeatures(images))
  }

  /** The regions of each image worth a closer look `[P * 4]`, best first. */
  propose(levels: readonly tf.Tensor4D[], sizes: readonly Size[], lap: Lap = ignore): Promise<Float32Array[]> {
    return this.#propose(levels, sizes, this.options.proposals.test, lap)
  }

  #propose(levels: readonly tf.Tensor4D[], sizes: readonly Size[], options: ProposalOptions, lap: Lap = ignore) {
    const grid = levelAnchors(levels.map(mapSize), this.options.anchors)
    return withData(
      () => this.#parts.rpn.apply(levels),
      (outputs) => {
        lap("rpn")
        return proposeRegions(outputs, grid, sizes, options)
      },
    )
  }

  /** The vector of each region `[R, channels]`, all images' regions `[R * 4]` in one list. */
  vectors(
    levels: readonly tf.Tensor4D[],
    regions: readonly Float32Array[],
    sizes: readonly Size[],
    pass: "apply" | "train" = "apply",
  ): tf.Tensor2D {
    const { anchors, align, context } = this.options
    const head = this.#parts.regions
    const images = Int32Array.from(regions.flatMap((own, n) => new Array<number>(own.length / 4).fill(n)))
    const vectorsOf = (boxes: Float32Array, images: Int32Array) => {
      const pooled = alignOnLevels(levels, boxes, images, anchors.stride, align)
      return pass === "train" && head.train ? head.train(pooled) : head.apply(pooled)
    }
    if (!context) return vectorsOf(joinBoxes(regions), images)
    const withWhole = vectorsOf(joinBoxes([...regions, wholeImages(sizes)]), Int32Array.of(...images, ...sizes.keys()))
    return besideContext(withWhole, images)
  }

  /** What the head says of each image's regions `[R * 4]`, by their vectors. */
  predict(vectors: () => tf.Tensor2D, regions: readonly Float32Array[]): Promise<Predictions[]> {
    return withData(
      () => this.#parts.predictor.apply(vectors()),
      (outputs) => readPredictions(outputs, regions),
    )
  }
}
