import * as tf from "@tensorflow/tfjs-core"
import type { Trunk } from "../backbone/resnet.js"
import { boxLossDefaults } from "../boxes/box-loss.js"
import { withData } from "../engine/readback.js"
import { sigmoidCrossEntropy, smoothL1 } from "../tensor/losses.js"
import { constant, normal, type Scope } from "../tensor/parameters.js"
import { expectShape } from "../tensor/shapes.js"

/** @source py-faster-rcnn prototxts: classifier N(0, 0.01), box regressor N(0, 0.001) */
const initialDeviation = { classes: 0.01, boxes: 0.001 }

/** What is known of R warped regions, column by column. */
export interface RegionTruths {
  /** `[R]` 1..K: the class each region was proposed for. */
  readonly labels: readonly number[]
  /** `[R]` whether it holds an object of that class. */
  readonly positive: readonly boolean[]
  /** `[P * 4]` deltas from each positive region to its object, in the regions' order. */
  readonly deltas: Float32Array
}

/**
 * The second stage: a classification network whose last layer is replaced by two sibling layers, for each class whether
 * the region holds an object of it, and where exactly.
 * @source He et al. 2015, appendix C, which goes back to R-CNN: each region passes through the whole network by itself
 */
export class RegionNetwork {
  readonly numClasses: number
  readonly #trunk: Pick<Trunk, "frozen" | "train" | "trainable">
  readonly #classes: Linear
  readonly #boxes: Linear

  constructor(scope: Scope, trunk: Pick<Trunk, "frozen" | "train" | "trainable" | "channels">, numClasses: number) {
    this.numClasses = numClasses
    this.#trunk = trunk
    this.#classes = linear(scope.in("cls_score"), trunk.channels, numClasses, initialDeviation.classes)
    this.#boxes = linear(scope.in("bbox_pred"), trunk.channels, 4 * numClasses, initialDeviation.boxes)
  }

  /** The features of the parts that do not learn; run it outside the tape and hand the result to `losses`. */
  frozenFeatures(regions: tf.Tensor4D): tf.Tensor4D {
    expectShape("RegionNetwork.frozenFeatures", regions, [null, null, null, 3])
    return this.#trunk.frozen(regions)
  }

  /**
   * The two losses of a batch, both divided by R: logistic on the output of each region's own class, smooth L1 on the
   * boxes of the positive ones.
   * @param stem `frozenFeatures` of the R regions
   */
  losses(stem: tf.Tensor4D, { labels, positive, deltas }: RegionTruths) {
    const said = this.#say(this.#trunk.train(stem), labels)
    const wanted = tf.tensor1d(positive.map(Number))
    const loss_classifier = tf.mean(sigmoidCrossEntropy(said.logits, wanted)) as tf.Scalar
    const rows = positive.flatMap((is, r) => (is ? [r] : []))
    if (rows.length === 0) return { loss_classifier, loss_box_reg: tf.scalar(0) }
    const moved = tf.gather(said.deltas, tf.tensor1d(rows, "int32"))
    const distance = tf.sum(smoothL1(moved, tf.tensor2d(deltas, [rows.length, 4]), boxLossDefaults.beta))
    return { loss_classifier, loss_box_reg: tf.div(distance, labels.length) as tf.Scalar }
  }

  /**
   * What the network says of warped regions `[R, side, side, 3]`, each of its own class.
   * @returns logits `[R]` and deltas `[R * 4]`
   */
  say(regions: tf.Tensor4D, labels: readonly number[]): Promise<{ logits: Float32Array; deltas: Float32Array }> {
    return withData(
      () => this.#say(this.#trunk.trainable(this.frozenFeatures(regions)), labels),
      ({ logits, deltas }) => {
        return { logits: logits.dataSync<"float32">().slice(), deltas: deltas.dataSync<"float32">().slice() }
      },
    )
  }

  #say(maps: tf.Tensor4D, labels: readonly number[]): { logits: tf.Tensor1D; deltas: tf.Tensor2D } {
    const vectors = tf.mean<tf.Tensor2D>(maps, [1, 2])
    const slots = tf.tensor1d(
      labels.map((label, r) => r * this.numClasses + label - 1),
      "int32",
    )
    const all = ({ weight, bias }: Linear) => tf.add(tf.matMul(vectors, weight), bias)
    return {
      logits: tf.gather(tf.reshape(all(this.#classes), [-1]), slots) as tf.Tensor1D,
      deltas: tf.gather(tf.reshape(all(this.#boxes), [-1, 4]), slots) as tf.Tensor2D,
    }
  }
}

interface Linear {
  readonly weight: tf.Tensor2D
  readonly bias: tf.Tensor1D
}

function linear(scope: Scope, from: number, to: number, deviation: number): Linear {
  return {
    weight: scope.create("weight", "linear", [from, to], normal(deviation)) as tf.Tensor<tf.Rank.R2>,
    bias: scope.create("bias", "bias", [to], constant(0)) as tf.Tensor<tf.Rank.R1>,
  }
}
