import type * as tf from "@tensorflow/tfjs-core"
import type { Backbone } from "../backbone/backbone.js"
import { boxLossDefaults } from "../boxes/box-loss.js"
import type { Random } from "../core/random.js"
import { expectShape, type Size } from "../core/shapes.js"
import { noGrad } from "../engine/no-grad.js"
import { withData } from "../engine/readback.js"
import type { MapSizes } from "../rpn/anchor-places.js"
import { anchorSampleOf, Rpn, tensorsOfAnchorSample } from "../rpn/rpn.js"
import { type ScoredBoxes, scoreBoxes } from "./candidates.js"
import type { ClassHead, PairTensors } from "./class-head.js"
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
  readonly #maps = new Map<string, MapSizes>()

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
   * A sample of anchors for each class of each crop, with what should be said of them: tensors for `losses`, of which no
   * shape depends on what the crops show, but for the number of classes in all, which is made a multiple of a part of N.
   * @param stem `frozenFeatures` of the N crops
   * @param crops the truths of each crop, in input pixels
   * @param random draws the sample
   */
  sample(stem: tf.Tensor4D, crops: readonly ClassTruths[][], random: Random): tf.Tensor[] {
    const asked = crops.flatMap((classes, image) => classes.map((truths) => ({ image, ...truths })))
    const pairs = this.#parts.head.pairs({
      images: fullOf(
        asked.map(({ image }) => image),
        crops.length,
        0,
      ),
      labels: fullOf(
        asked.map(({ label }) => label),
        crops.length,
        1,
      ),
    })
    const truths = fullOf(
      asked.map(({ boxes, ignored }) => ({ boxes, crowds: ignored })),
      crops.length,
      undefined,
    )
    const map = this.#mapOf(stem)
    const sizes = truths.map(() => this.#sizeOf(map))
    return [...pairs, ...tensorsOfAnchorSample(this.#rpn(pairs).sampleOn([map], truths, sizes, random))]
  }

  /**
   * The two losses of a batch, over a sample of anchors for each class of each image: logistic on that class's outputs,
   * smooth L1 on its boxes. What the other classes' outputs say of the image is left alone.
   * @param stem `frozenFeatures` of the N crops
   * @param sample see there
   * @returns scalars
   */
  losses(stem: tf.Tensor4D, [images, classes, ...known]: readonly tf.Tensor[]) {
    const rpn = this.#rpn([images as tf.Tensor1D, classes as tf.Tensor1D])
    return rpn.lossesAt(this.#parts.backbone.train(stem), anchorSampleOf(known))
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
    let grid: Float32Array = new Float32Array(0)
    const forward = () => {
      const rpn = this.#rpn(this.#parts.head.pairs({ images: labels.map(() => 0), labels }))
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

  /** How large the map of crops is: seen at the first stem of a shape. */
  #mapOf(stem: tf.Tensor4D): MapSizes {
    const form = stem.shape.join()
    const known = this.#maps.get(form)
    if (known !== undefined) return known
    const [images, height, width] = noGrad(() => this.#parts.backbone.features(stem)[0]!.shape)
    this.#maps.set(form, [images, height, width])
    return [images, height, width]
  }

  /** Crops fill their input. */
  #sizeOf([, height, width]: MapSizes): Size {
    const stride = this.#parts.backbone.strides[0]!
    return [height * stride, width * stride]
  }

  /** An RPN to which each pair of an image and a class is an image of its own. */
  #rpn(pairs: PairTensors): Rpn {
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

/** A list made as long as a multiple of a quarter of the crops, so that few numbers of pairs occur. */
function fullOf<Of, Filler>(list: readonly Of[], crops: number, filler: Filler): (Of | Filler)[] {
  const atOnce = Math.max(4, Math.ceil(crops / 4))
  const length = atOnce * Math.ceil(list.length / atOnce)
  return [...list, ...new Array<Filler>(length - list.length).fill(filler)]
}
