import type * as tf from "@tensorflow/tfjs-core"
import type { Backbone } from "../backbone/backbone.js"
import { boxLossDefaults } from "../boxes/box-loss.js"
import type { Random } from "../core/random.js"
import { expectShape, type Size } from "../core/shapes.js"
import { withData } from "../engine/readback.js"
import { Rpn } from "../rpn/rpn.js"
import { type ScoredBoxes, scoreBoxes } from "./candidates.js"
import type { ClassHead, ClassPairs } from "./class-head.js"
import type { ClassRpnOptions } from "./options.js"
import type { ClassTruths } from "./truths.js"

export interface ClassRpnParts {
  /** Of one map. */
  readonly backbone: Required<Backbone>
  readonly head: ClassHead
}

/**
 * A per-class RPN: where, if it is there, is an object of this class? Which class it is, is not asked; an image
 * classifier tells.
 * @source He et al. 2015, appendix C
 */
export class ClassRpn {
  readonly options: ClassRpnOptions
  readonly #parts: ClassRpnParts

  constructor(parts: ClassRpnParts, options: ClassRpnOptions) {
    this.#parts = parts
    this.options = options
  }

  /** K. */
  get numClasses(): number {
    return this.#parts.head.numClasses
  }

  /** The features of the parts that do not learn; run it outside the tape and hand the result to `losses`. */
  frozenFeatures(images: tf.Tensor4D): tf.Tensor4D {
    expectShape("ClassRpn.frozenFeatures", images, [null, null, null, 3])
    return this.#parts.backbone.frozen(images)
  }

  /**
   * The two losses of a batch, over a sample of anchors for each class of each image: logistic on that class's outputs,
   * smooth L1 on its boxes. What the other classes' outputs say of the image is left alone.
   * @param stem `frozenFeatures` of the N crops
   * @param images the truths of each crop, in input pixels
   * @param random draws the sample of anchors
   * @returns scalars
   */
  losses(stem: tf.Tensor4D, images: readonly ClassTruths[][], random: Random) {
    const levels = this.#parts.backbone.train(stem)
    const asked = images.flatMap((classes, image) => classes.map((truths) => ({ image, ...truths })))
    const pairs = { images: asked.map(({ image }) => image), labels: asked.map(({ label }) => label) }
    const truths = asked.map(({ boxes, ignored }) => ({ boxes, crowds: ignored }))
    return this.#rpn(pairs).losses(levels, truths, this.#sizes(levels[0]!, truths.length), random)
  }

  /**
   * Where objects of some classes would be in one image, whatever its size.
   * @param images `[1, H, W, 3]` normalised RGB
   * @param labels the classes to look for, 1..K
   * @param limit how many of the best anchors to return for each
   * @returns one entry a label, boxes in input pixels, cut to the image, best score first; they overlap
   */
  async find(images: tf.Tensor4D, labels: readonly number[], limit: number): Promise<ScoredBoxes[]> {
    if (labels.length === 0) return []
    const rpn = this.#rpn({ images: labels.map(() => 0), labels })
    let grid: Float32Array = new Float32Array(0)
    const forward = () => {
      const levels = this.#parts.backbone.features(this.frozenFeatures(images))
      ;[grid] = rpn.anchors(levels) as [Float32Array]
      return rpn.head.apply(levels)
    }
    const size = [images.shape[1], images.shape[2]] as const
    return withData(forward, (outputs) => {
      const [logits, deltas] = [outputs.logits.dataSync<"float32">(), outputs.deltas.dataSync<"float32">()]
      const anchors = grid.length / 4
      return labels.map((_, m) => {
        const own = logits.subarray(m * anchors, (m + 1) * anchors)
        return scoreBoxes(grid, own, deltas.subarray(m * 4 * anchors, (m + 1) * 4 * anchors), size, limit)
      })
    })
  }

  /** Crops fill their input: of `count` pairs, in input pixels. */
  #sizes({ shape: [, height, width] }: tf.Tensor4D, count: number): Size[] {
    const stride = this.#parts.backbone.strides[0]!
    return Array.from({ length: count }, () => [height * stride, width * stride])
  }

  /** An RPN to which each pair of an image and a class is an image of its own. */
  #rpn(pairs: ClassPairs): Rpn {
    const { anchors, match, sample } = this.options
    const options = {
      anchors: { ...anchors, stride: this.#parts.backbone.strides[0]! },
      match,
      sample,
      loss: boxLossDefaults,
      // A crop is cut out of an image that goes on beyond its border.
      borderAnchors: true,
    }
    return new Rpn(this.#parts.head.forPairs(pairs), options)
  }
}
