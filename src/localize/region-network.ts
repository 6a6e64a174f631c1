import * as tf from "@tensorflow/tfjs-core"
import type { Backbone } from "../backbone/backbone.js"
import { boxLossDefaults, spreadRows } from "../boxes/box-loss.js"
import { normal } from "../core/initializers.js"
import { sigmoidCrossEntropy, smoothL1 } from "../core/losses.js"
import type { Scope } from "../core/parameters.js"
import { expectShape } from "../core/shapes.js"
import { takeRows } from "../engine/ops/take-rows.js"
import { withData } from "../engine/readback.js"
import type { Ops } from "../layers/ops.js"
import { createParameters } from "../layers/parameters.js"
import { testingOps } from "../layers/tensor-ops.js"

/** @source py-faster-rcnn prototxts: classifier N(0, 0.01), box regressor N(0, 0.001) */
const initialStd = { classes: 0.01, boxes: 0.001 }

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
  readonly #backbone: Required<Backbone>
  readonly #ops: Ops<tf.Tensor>

  constructor(scope: Scope, backbone: Required<Backbone>, numClasses: number) {
    this.numClasses = numClasses
    this.#backbone = backbone
    createParameters(scope, (ops) => siblings(ops, backbone.channels, numClasses, null))
    this.#ops = testingOps(scope)
  }

  /** The features of the parts that do not learn; run it outside the tape and hand the result to `losses`. */
  frozenFeatures(regions: tf.Tensor4D): tf.Tensor4D {
    expectShape("RegionNetwork.frozenFeatures", regions, [null, null, null, 3])
    return this.#backbone.frozen(regions)
  }

  /** What should be said of R regions, as tensors for `losses`, of shapes that follow from R alone. */
  goals({ labels, positive, deltas }: RegionTruths): tf.Tensor[] {
    const rows = positive.flatMap((is, r) => (is ? [r] : []))
    return [this.#slots(labels), tf.tensor1d(positive.map(Number)), spreadRows(deltas, rows, labels.length)]
  }

  /**
   * The two losses of a batch, both divided by R: logistic on the output of each region's own class, smooth L1 on the
   * boxes of the positive ones.
   * @param stem `frozenFeatures` of the R regions
   * @param goals see there
   */
  losses(stem: tf.Tensor4D, [slots, positive, deltas]: readonly tf.Tensor[]) {
    const said = this.#say(this.#backbone.train(stem)[0]!, slots as tf.Tensor1D)
    const distances = smoothL1(said.deltas, deltas as tf.Tensor2D, boxLossDefaults.beta)
    return {
      loss_classifier: tf.mean(sigmoidCrossEntropy(said.logits, positive as tf.Tensor1D)) as tf.Scalar,
      loss_box_reg: tf.div(tf.sum(tf.mul(distances, tf.reshape(positive!, [-1, 1]))), slots!.size) as tf.Scalar,
    }
  }

  /**
   * What the network says of warped regions `[R, side, side, 3]`, each of its own class.
   * @returns logits `[R]` and deltas `[R * 4]`
   */
  say(regions: tf.Tensor4D, labels: readonly number[]): Promise<{ logits: Float32Array; deltas: Float32Array }> {
    return withData(
      () => this.#say(this.#backbone.features(this.frozenFeatures(regions))[0]!, this.#slots(labels)),
      ({ logits, deltas }) => {
        return { logits: logits.dataSync<"float32">().slice(), deltas: deltas.dataSync<"float32">().slice() }
      },
    )
  }

  /** Where each region's own class stands among all outputs. */
  #slots(labels: readonly number[]): tf.Tensor1D {
    return tf.tensor1d(
      labels.map((label, r) => r * this.numClasses + label - 1),
      "int32",
    )
  }

  #say(maps: tf.Tensor4D, slots: tf.Tensor1D): { logits: tf.Tensor1D; deltas: tf.Tensor2D } {
    const vectors = this.#ops.averagePool(maps)
    const { logits, deltas } = siblings(this.#ops, this.#backbone.channels, this.numClasses, vectors)
    return {
      logits: takeRows(tf.reshape(logits, [-1]) as tf.Tensor1D, slots),
      deltas: takeRows(tf.reshape(deltas, [-1, 4]) as tf.Tensor2D, slots),
    }
  }
}

/** The two sibling layers: for each class a logit and four deltas. */
function siblings<T>(ops: Ops<T>, channels: number, numClasses: number, vectors: T): { logits: T; deltas: T } {
  const layer = (name: string, out: number, std: number) =>
    ops.linear(vectors, { name, in: channels, out, initialize: normal(std) })
  return {
    logits: layer("cls_score", numClasses, initialStd.classes),
    deltas: layer("bbox_pred", 4 * numClasses, initialStd.boxes),
  }
}
