import * as tf from "@tensorflow/tfjs-core"
import type { Backbone } from "../backbone/backbone.js"
import type { Detections } from "../boxes/boxes.js"
import type { Random } from "../core/random.js"
import { expectShape, type Size } from "../core/shapes.js"
import { needsReadback, withData } from "../engine/readback.js"
import type { RoiHeads } from "../roi/roi-heads.js"
import { postprocessDetections, type SelectOptions, selectOptions } from "../roi/select.js"
import type { Rpn } from "../rpn/rpn.js"
import { keepOutputs } from "./keep-outputs.js"
import type { FasterRcnnOptions } from "./options.js"
import type { TrainingPart } from "./training-part.js"
import { sizeOf, type TrainingImage, trainingTruths } from "./truths.js"

export interface FasterRcnnParts {
  readonly backbone: Backbone
  readonly rpn: Pick<Rpn, "propose" | "proposeOffTape" | "losses">
  readonly roiHeads: Pick<RoiHeads, "boxFeatures" | "predict" | "losses" | "testLosses">
}

interface RecordableParts {
  readonly rpn: Rpn
  readonly roiHeads: RoiHeads
}

/** A batch of images that is ready for a training step. It holds tensors until `dispose`. */
export interface TrainingBatch {
  /** What the layers that do not train make of the N images. */
  readonly stem: tf.Tensor4D
  readonly images: readonly TrainingImage[]
  /** The images' proposals, where they have to be known beforehand: see `FasterRcnn.prepare`. */
  readonly proposals?: readonly Float32Array[] | undefined
  dispose(): void
}

interface Proposing {
  readonly features: readonly tf.Tensor4D[]
  readonly sizes: readonly Size[]
}

/**
 * Faster R-CNN: shared features, a network that proposes regions on them, and heads that name and refine each region.
 * Images are `[N, H, W, 3]` normalised RGB, padded to one size; sizes are `[height, width]` of each inside its padding.
 * @source Ren et al. 2015; He et al. 2015, appendix A, for the ResNet form with conv5 run on every region
 */
export class FasterRcnn implements FasterRcnnParts {
  readonly backbone: Backbone
  readonly rpn: FasterRcnnParts["rpn"]
  readonly roiHeads: FasterRcnnParts["roiHeads"]
  readonly options: FasterRcnnOptions
  /** The same parts, whole, where what they do follows from their inputs and variables alone: then it can be recorded. */
  readonly recordable: RecordableParts | undefined

  constructor({ backbone, rpn, roiHeads }: FasterRcnnParts, options: FasterRcnnOptions, recordable?: RecordableParts) {
    this.recordable = recordable
    this.backbone = backbone
    this.rpn = rpn
    this.roiHeads = roiHeads
    this.options = options
  }

  /**
   * The four losses of a batch, under the gradient tape.
   * @param random draws the samples of anchors and regions
   * @returns scalars by torchvision's names
   */
  losses(batch: TrainingBatch, random: Random) {
    const known = this.#learned(batch)
    const proposals = this.#proposals(batch, known)
    const rpnLosses = this.rpn.losses(known.features, known.truths, known.sizes, random)
    return { ...rpnLosses, ...this.roiHeads.losses(known.features, proposals, known.truths, known.sizes, random) }
  }

  /** As `losses`: those of one part. */
  partLosses(batch: TrainingBatch, random: Random, part: TrainingPart): Readonly<Record<string, tf.Scalar>> {
    if (part === "both") return this.losses(batch, random)
    const known = this.#learned(batch)
    const { features, truths, sizes } = known
    if (part === "rpn") return this.rpn.losses(features, truths, sizes, random)
    return this.roiHeads.losses(features, this.#proposals(batch, known), truths, sizes, random)
  }

  #learned({ stem, images }: TrainingBatch) {
    const truths = images.map((image) => trainingTruths(image, this.options.difficult))
    const features = this.backbone.train?.(stem) ?? this.backbone.features(stem)
    return { features, truths, sizes: images.map(sizeOf) }
  }

  #proposals({ proposals }: TrainingBatch, { features, sizes }: Proposing): readonly Float32Array[] {
    return proposals ?? this.rpn.proposeOffTape(features, sizes, this.options.proposals.train)
  }

  /**
   * Finds objects.
   * @param overrides thresholds that differ from the detector's own
   * @returns one entry an image, boxes in input pixels, best score first
   * @throws UsageError for a threshold out of range
   */
  async detect(
    images: tf.Tensor4D,
    sizes: readonly Size[],
    overrides: Partial<SelectOptions> = {},
  ): Promise<Detections[]> {
    const select = selectOptions({ ...this.options.select, ...overrides })
    const features = keepOutputs(() => this.features(images))
    try {
      return await this.#detectOn(features, sizes, select)
    } finally {
      tf.dispose(features)
    }
  }

  /**
   * What `detect` finds, and the losses of the same images: those of training, but by the norms of testing. Nothing is
   * moved.
   * @param targets the N images' sizes and objects, in input pixels
   * @param random draws the samples of anchors and regions
   */
  async detectWithLosses(
    images: tf.Tensor4D,
    targets: readonly TrainingImage[],
    random: Random,
  ): Promise<{ readonly found: Detections[]; readonly losses: Readonly<Record<string, number>> }> {
    const sizes = targets.map(sizeOf)
    const truths = targets.map((image) => trainingTruths(image, this.options.difficult))
    const features = keepOutputs(() => this.features(images))
    try {
      const found = await this.#detectOn(features, sizes, selectOptions(this.options.select))
      const proposals = await this.rpn.propose(features, sizes, this.options.proposals.train)
      const made = () => ({
        ...this.rpn.losses(features, truths, sizes, random),
        ...this.roiHeads.testLosses(features, proposals, truths, sizes, random),
      })
      const losses = await withData(made, (scalars) =>
        Object.fromEntries(Object.entries(scalars).map(([name, scalar]) => [name, scalar.dataSync()[0]!])),
      )
      return { found, losses }
    } finally {
      tf.dispose(features)
    }
  }

  async #detectOn(
    features: readonly tf.Tensor4D[],
    sizes: readonly Size[],
    select: SelectOptions,
  ): Promise<Detections[]> {
    const proposals = await this.rpn.propose(features, sizes, this.options.proposals.test)
    const boxFeatures = () => this.roiHeads.boxFeatures(features, proposals, sizes)
    const predictions = await this.roiHeads.predict(boxFeatures, proposals)
    return predictions.map((own, n) => postprocessDetections(own, sizes[n]!, select))
  }

  /** The maps of each level, for testing. */
  features(images: tf.Tensor4D): readonly tf.Tensor4D[] {
    return this.backbone.features(this.#frozen(images))
  }

  /**
   * What of a training step comes before the gradient tape: the layers that do not train, and, on an engine whose values
   * must be waited for, which a tape cannot, the proposals. No running statistics move.
   * @param images `[N, H, W, 3]`, left to the caller
   * @param targets the N images' sizes and objects, in input pixels
   * @param given proposals of another detector's, see `propose`
   */
  async prepare(
    images: tf.Tensor4D,
    targets: readonly TrainingImage[],
    given?: readonly Float32Array[],
  ): Promise<TrainingBatch> {
    const [stem] = keepOutputs(() => [this.#frozen(images)]) as [tf.Tensor4D]
    const proposals = given ?? (needsReadback() ? await this.#precompute(stem, targets.map(sizeOf)) : undefined)
    return { stem, images: targets, proposals, dispose: () => stem.dispose() }
  }

  /**
   * The regions that it would train its head on, for another detector's head: `[P * 4]` an image, input pixels, best first.
   * @param images `[N, H, W, 3]`, left to the caller
   * @param sizes `[height, width]` of each inside its padded input
   */
  async propose(images: tf.Tensor4D, sizes: readonly Size[]): Promise<Float32Array[]> {
    const features = keepOutputs(() => this.features(images))
    try {
      return await this.rpn.propose(features, sizes, this.options.proposals.train)
    } finally {
      tf.dispose(features)
    }
  }

  async #precompute(stem: tf.Tensor4D, sizes: readonly Size[]): Promise<Float32Array[]> {
    const features = keepOutputs(() => this.backbone.train?.(stem, () => {}) ?? this.backbone.features(stem))
    try {
      return await this.rpn.propose(features, sizes, this.options.proposals.train)
    } finally {
      tf.dispose(features)
    }
  }

  #frozen(images: tf.Tensor4D): tf.Tensor4D {
    expectShape("FasterRcnn", images, [null, null, null, 3])
    return this.backbone.frozen?.(images) ?? images
  }
}
