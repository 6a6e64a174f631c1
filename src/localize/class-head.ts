import * as tf from "@tensorflow/tfjs-core"
import { constant, normal } from "../core/initializers.js"
import type { Scope } from "../core/parameters.js"
import { expectShape } from "../core/shapes.js"
import { takeRows } from "../engine/ops/take-rows.js"
import type { AnchorOutputs, AnchorPlaces, RpnOutputs } from "../rpn/head.js"
import type { AnchorHead } from "../rpn/rpn.js"

/** New layers start as N(0, 0.01). @source Faster R-CNN (TPAMI), section 3.1.3, which appendix C refers to */
const initialStd = 0.01

/** Which classes are asked for in which images: M pairs, column by column. */
export interface ClassPairs {
  /** `[M]` positions in the batch. */
  readonly images: readonly number[]
  /** `[M]` 1..K. */
  readonly labels: readonly number[]
}

/** The same as tensors: `[M]` int32 positions in the batch, and `[M]` int32 classes from 0. */
export type PairTensors = readonly [images: tf.Tensor1D, classes: tf.Tensor1D]

/**
 * Two sibling 1x1 convolutions on the last feature map: for each class and each anchor a logistic output and four deltas.
 * Channels come class by class, within each anchor by anchor. Only the outputs of the classes asked for are computed: with
 * 1000 classes and 9 anchors all of them would be 45,000 at every position.
 * @source He et al. 2015, appendix C: 1000-d and 1000 x 4-d for ImageNet
 */
export class ClassHead {
  readonly numClasses: number
  readonly #channels: number
  readonly #anchors: number
  readonly #logits: Layer
  readonly #deltas: Layer

  constructor(scope: Scope, sizes: { channels: number; anchors: number; numClasses: number }) {
    const { channels, anchors, numClasses } = sizes
    this.numClasses = numClasses
    this.#channels = channels
    this.#anchors = anchors
    this.#logits = layer(scope.in("cls_logits"), channels, numClasses * anchors)
    this.#deltas = layer(scope.in("bbox_pred"), channels, numClasses * anchors * 4)
  }

  /** The head as an RPN has it, with M pairs in place of images. */
  forPairs(pairs: PairTensors): AnchorHead {
    return {
      apply: ([features]) => this.apply(features!, pairs),
      places: ([size], sampled) => placesOf(sampled, size![1] * size![2] * this.#anchors),
      applyAt: ([features], places) => outputsAt(this.apply(features!, pairs), places),
    }
  }

  /**
   * @param pairs one or more
   * @throws Error for a label that is not in 1..K
   */
  pairs({ images, labels }: ClassPairs): PairTensors {
    const stranger = labels.find((label) => !(label >= 1 && label <= this.numClasses))
    if (stranger !== undefined) {
      throw new Error(`ClassHead.pairs: expected labels in 1..${this.numClasses}, got ${stranger}`)
    }
    const classes = labels.map((label) => label - 1)
    return [tf.tensor1d([...images], "int32"), tf.tensor1d(classes, "int32")]
  }

  /**
   * @param features `[N, H, W, C]`
   * @param pairs see `pairs`
   * @returns logits `[M, R]` and deltas `[M, R, 4]`, R = H * W * A: by rows, columns, anchors of a cell
   */
  apply(features: tf.Tensor4D, [images, classes]: PairTensors): RpnOutputs {
    expectShape("ClassHead.apply", features, [null, null, null, this.#channels])
    const [, height, width] = features.shape
    const rows: tf.Tensor3D = tf.reshape(features, [-1, height * width, this.#channels])
    const asked = takeRows(rows, images)
    const said = (layer: Layer, depth: number): tf.Tensor3D => {
      const byClass: tf.Tensor3D = tf.reshape(layer.weight, [this.#channels, this.numClasses, depth])
      const weights = tf.transpose(takeRows(byClass, classes, 1), [1, 0, 2])
      const bias: tf.Tensor2D = tf.reshape(layer.bias, [this.numClasses, depth])
      return tf.add(tf.matMul(asked, weights), tf.reshape(takeRows(bias, classes), [-1, 1, depth]))
    }
    const count = classes.size
    return {
      logits: tf.reshape(said(this.#logits, this.#anchors), [count, -1]),
      deltas: tf.reshape(said(this.#deltas, 4 * this.#anchors), [count, -1, 4]),
    }
  }
}

/** Where anchors are among all images' dense outputs. @param perImage how many an image has */
export function placesOf(sampled: readonly (readonly number[])[], perImage: number): AnchorPlaces {
  const rows = Int32Array.from(sampled.flatMap((own, image) => own.map((index) => image * perImage + index)))
  return { tensors: [tf.tensor1d(rows, "int32")], rows: [rows] }
}

/** What dense outputs say of some anchors of each image. */
export function outputsAt({ logits, deltas }: RpnOutputs, { tensors: [rows] }: AnchorPlaces): AnchorOutputs {
  const own = rows as tf.Tensor1D
  return {
    logits: takeRows(tf.reshape(logits, [-1]) as tf.Tensor1D, own),
    deltas: takeRows(tf.reshape(deltas, [-1, 4]) as tf.Tensor2D, own),
  }
}

interface Layer {
  readonly weight: tf.Variable
  readonly bias: tf.Variable
}

function layer(scope: Scope, from: number, to: number): Layer {
  return {
    weight: scope.create("weight", "conv", [1, 1, from, to], normal(initialStd)),
    bias: scope.create("bias", "bias", [to], constant(0)),
  }
}
