import * as tf from "@tensorflow/tfjs-core"
import { type Detections, joinBoxes } from "../boxes/boxes.js"
import type { BoxPredictor, RegionFeatures } from "../roi/head.js"
import { alignOnLevels } from "../roi/levels.js"
import { roiLosses } from "../roi/loss.js"
import { type SelectOptions, selectDetections, selectOptions } from "../roi/select.js"
import { roiTargets } from "../roi/targets.js"
import { levelAnchors } from "../rpn/anchors.js"
import type { RpnHead, RpnOutputs } from "../rpn/head.js"
import { rpnLosses } from "../rpn/loss.js"
import { type ProposalOptions, proposeBoxes } from "../rpn/proposals.js"
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

const mapSize = ({ shape }: tf.Tensor4D): Size => [shape[1], shape[2]]

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
   * @returns scalars by torchvision's names
   */
  losses(stem: tf.Tensor4D, images: readonly TrainingImage[], random: Random, lap: Lap = () => {}) {
    const { anchors, rpn, proposals, roi, difficult } = this.options
    const { backbone, regions } = this.#parts
    const levels = backbone.train ? backbone.train(stem) : backbone.trainable(stem)
    lap("backbone")
    const outputs = this.#parts.rpn.apply(levels)
    const grid = levelAnchors(levels.map(mapSize), anchors)
    const allAnchors = joinBoxes(grid)
    const sizes = images.map(({ height, width }): Size => [height, width])
    const proposed = this.#propose(outputs, grid, sizes, proposals.train)
    const truths = images.map((image) => trainingTruths(image, difficult))
    const anchorTargets = truths.map((truth) => rpnTargets(allAnchors, truth.boxes, truth.crowds, rpn, random))
    const regionTargets = truths.map((truth, n) => roiTargets(proposed[n]!, truth, truth.crowds, roi, random))
    lap("rpn")
    const pooled = this.#pool(
      levels,
      regionTargets.map(({ boxes }) => boxes),
    )
    const said = this.#parts.predictor.apply(regions.train ? regions.train(pooled) : regions.apply(pooled))
    lap("roi")
    return { ...rpnLosses(outputs, anchorTargets, rpn.loss), ...roiLosses(said, regionTargets, roi.loss) }
  }

  /**
   * Finds objects.
   * @param images `[N, H, W, 3]` normalised RGB, padded to one size
   * @param sizes each image's `[height, width]` inside it
   * @param wishes thresholds that differ from the detector's own
   * @returns one entry an image, boxes in input pixels, best score first
   * @throws UsageError for a threshold out of range
   */
  detect(
    images: tf.Tensor4D,
    sizes: readonly Size[],
    wishes: Partial<SelectOptions> = {},
    lap: Lap = () => {},
  ): Detections[] {
    const select = selectOptions({ ...this.options.select, ...wishes })
    return tf.tidy(() => {
      const levels = this.#parts.backbone.trainable(this.frozenFeatures(images))
      lap("backbone")
      const outputs = this.#parts.rpn.apply(levels)
      const grid = levelAnchors(levels.map(mapSize), this.options.anchors)
      const proposed = this.#propose(outputs, grid, sizes, this.options.proposals.test)
      lap("rpn")
      const said = this.#parts.predictor.apply(this.#parts.regions.apply(this.#pool(levels, proposed)))
      const logits = said.logits.dataSync<"float32">()
      const deltas = said.deltas.dataSync<"float32">()
      lap("roi")
      const [, width] = said.logits.shape
      let from = 0
      const found = proposed.map((boxes, n) => {
        const to = from + boxes.length / 4
        const own = [
          logits.subarray(from * width, to * width),
          deltas.subarray(from * width * 4, to * width * 4),
        ] as const
        from = to
        return selectDetections(boxes, ...own, sizes[n]!, select)
      })
      lap("select")
      return found
    })
  }

  /** The proposals of each image `[P * 4]`, in input pixels. */
  #propose(
    outputs: RpnOutputs,
    grid: readonly Float32Array[],
    sizes: readonly Size[],
    options: ProposalOptions,
  ): Float32Array[] {
    const logits = outputs.logits.dataSync<"float32">()
    const deltas = outputs.deltas.dataSync<"float32">()
    const anchors = outputs.logits.shape[1]
    return sizes.map((size, n) => {
      const own = logits.subarray(n * anchors, (n + 1) * anchors)
      return proposeBoxes(grid, own, deltas.subarray(n * 4 * anchors, (n + 1) * 4 * anchors), size, options)
    })
  }

  /** Each image's regions cut out of the levels, all images' regions in one list. */
  #pool(levels: readonly tf.Tensor4D[], regions: readonly Float32Array[]): tf.Tensor4D {
    const boxes = joinBoxes(regions)
    const images = Int32Array.from(regions.flatMap((own, n) => new Array<number>(own.length / 4).fill(n)))
    return alignOnLevels(levels, boxes, images, this.options.anchors.stride, this.options.align)
  }
}
