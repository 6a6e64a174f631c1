import * as tf from "@tensorflow/tfjs-core"
import { constant, type Initializer, normal, type Scope } from "../tensor/parameters.js"
import { expectShape } from "../tensor/shapes.js"

/** @source py-faster-rcnn prototxts: classifier N(0, 0.01), box regressor N(0, 0.001) */
const initialDeviation = { classifier: 0.01, boxes: 0.001 }

/** What turns pooled regions into one vector each: conv5 for C4, two linear layers for FPN. */
export interface BoxHead {
  /** Length of the vectors. */
  readonly channels: number
  /** `[R, size, size, C]` to `[R, channels]`, for testing. */
  apply(pooled: tf.Tensor4D): tf.Tensor2D
  /** The same for training, where that is another way: batch norm uses the sample's statistics and moves the running ones. */
  train?(pooled: tf.Tensor4D): tf.Tensor2D
}

/** What the head says of each region. */
export interface RoiOutputs {
  /** `[R, K + 1]`, the background first. */
  readonly logits: tf.Tensor2D
  /** `[R, (K + 1) * 4]` deltas dx, dy, dw, dh for each class; the background's are unused. Of a class-agnostic head all equal. */
  readonly deltas: tf.Tensor2D
}

export interface PredictorSizes {
  /** Length of a region's vector. */
  readonly channels: number
  /** K, without the background. */
  readonly numClasses: number
  /** One box for all classes. @source detectron2 CLS_AGNOSTIC_BBOX_REG; R-FCN, section 2.3 */
  readonly classAgnostic?: boolean
}

/**
 * The two sibling layers: a class and, for each class or for all together, a box.
 * @source Fast R-CNN, section 2.1; torchvision `FastRCNNPredictor`
 */
export class BoxPredictor {
  readonly #classifier: Linear
  readonly #regressor: Linear
  /** How many labels share a box. */
  readonly #sharing: number

  constructor(scope: Scope, { channels, numClasses, classAgnostic = false }: PredictorSizes) {
    const { classifier, boxes } = initialDeviation
    const labels = numClasses + 1
    this.#sharing = classAgnostic ? labels : 1
    this.#classifier = linear(scope.in("cls_score"), channels, labels, normal(classifier), constant(0))
    this.#regressor = linear(scope.in("bbox_pred"), channels, (4 * labels) / this.#sharing, normal(boxes), constant(0))
  }

  /** @param vectors `[R, channels]` */
  apply(vectors: tf.Tensor2D): RoiOutputs {
    expectShape("BoxPredictor.apply", vectors, [null, this.#classifier.weight.shape[0]!])
    const layer = ({ weight, bias }: Linear) => tf.add(tf.matMul(vectors, weight), bias) as tf.Tensor2D
    const deltas = layer(this.#regressor)
    return {
      logits: layer(this.#classifier),
      deltas: this.#sharing === 1 ? deltas : tf.tile(deltas, [1, this.#sharing]),
    }
  }
}

/** A fully connected layer. */
export interface Linear {
  readonly weight: tf.Tensor2D
  readonly bias: tf.Tensor1D
}

/** A fully connected layer's parameters, `weight` and `bias` in the scope; the bias starts as the weight if not told. */
export function linear(
  scope: Scope,
  from: number,
  to: number,
  initialize: Initializer,
  initializeBias: Initializer = initialize,
): Linear {
  return {
    weight: scope.create("weight", "linear", [from, to], initialize) as tf.Tensor<tf.Rank.R2>,
    bias: scope.create("bias", "bias", [to], initializeBias) as tf.Tensor<tf.Rank.R1>,
  }
}
