import * as tf from "@tensorflow/tfjs-core"
import { normal, uniformByInputs } from "../core/initializers.js"
import type { Scope } from "../core/parameters.js"
import { expectShape } from "../core/shapes.js"
import type { Ops } from "../layers/ops.js"
import { createParameters, parameterSpecs } from "../layers/parameters.js"
import { testingOps, trainingOps } from "../layers/tensor-ops.js"

/** What turns pooled regions into one vector each: conv5 for C4, two linear layers for FPN. */
export interface BoxHead {
  /** Length of the vectors. */
  readonly channels: number
  /** Whether in training a region's vector depends on the others: batch norm takes means over them. */
  readonly mixesRegions?: boolean
  /** `[R, size, size, C]` to `[R, channels]`, for testing. */
  apply(pooled: tf.Tensor4D): tf.Tensor2D
  /** The same for training, where that is another way: batch norm uses the sample's statistics and moves the running ones. */
  train?(pooled: tf.Tensor4D): tf.Tensor2D
}

/** A box head that is described once. */
export interface BoxHeadSpec extends Pick<BoxHead, "channels"> {
  features<T>(ops: Ops<T>, pooled: T): T
}

/** Creates the parameters of a described head in a scope, and gives what runs it. */
export function createBoxHead(scope: Scope, spec: BoxHeadSpec): Required<BoxHead> {
  const describe = (ops: Ops<null>) => spec.features(ops, null)
  createParameters(scope, describe)
  const [testing, training] = [testingOps(scope), trainingOps(scope)]
  return {
    channels: spec.channels,
    mixesRegions: parameterSpecs(describe).some(({ kind }) => kind === "statistic"),
    apply: (pooled) => spec.features<tf.Tensor>(testing, pooled) as tf.Tensor2D,
    train: (pooled) => spec.features<tf.Tensor>(training, pooled) as tf.Tensor2D,
  }
}

/** Length of the vectors. @source FPN (Lin et al. 2017), section 4.2; torchvision `TwoMLPHead` */
export const linearChannels = 1024

/** Linear layers with ReLU on what has been flattened to `inputs` values. @source torchvision `TwoMLPHead` */
export function linearLayers<T>(ops: Ops<T>, names: readonly string[], inputs: number, vectors: T): T {
  return names.reduce((x, name, index) => {
    const from = index === 0 ? inputs : linearChannels
    const initialize = uniformByInputs(from)
    const spec = { name, in: from, out: linearChannels, initialize, initializeBias: initialize }
    return ops.linear(x, spec, { relu: true })
  }, vectors)
}

/**
 * Two linear layers, `fc6` and `fc7`, on every region.
 * @param channels of the maps that regions are cut from
 * @param size side of a pooled region in bins
 * @source Fast R-CNN, section 2.1; torchvision `TwoMLPHead`
 */
export const twoLinearLayers = (channels: number, size: number): BoxHeadSpec => ({
  channels: linearChannels,
  features: (ops, pooled) => linearLayers(ops, ["fc6", "fc7"], channels * size * size, ops.flatten(pooled)),
})

/** What the predictor says of each region. */
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

/** @source py-faster-rcnn prototxts: classifier N(0, 0.01), box regressor N(0, 0.001) */
const initialStd = { classifier: 0.01, boxes: 0.001 }

/**
 * The two sibling layers: vectors to a class and, for each class or for all together, a box.
 * @returns logits `[R, K + 1]` and deltas `[R, (K + 1) * 4]`, or `[R, 4]` of a class-agnostic head
 * @source Fast R-CNN, section 2.1; torchvision `FastRCNNPredictor`
 */
export function boxPredictor<T>(
  ops: Ops<T>,
  { channels, numClasses, classAgnostic = false }: PredictorSizes,
  vectors: T,
): { readonly logits: T; readonly deltas: T } {
  const labels = numClasses + 1
  const layer = (name: string, out: number, std: number) =>
    ops.linear(vectors, { name, in: channels, out, initialize: normal(std) })
  return {
    logits: layer("cls_score", labels, initialStd.classifier),
    deltas: layer("bbox_pred", classAgnostic ? 4 : 4 * labels, initialStd.boxes),
  }
}

/** The predictor on tensors, see `boxPredictor`. */
export class BoxPredictor {
  readonly #sizes: PredictorSizes
  readonly #ops: Ops<tf.Tensor>

  constructor(scope: Scope, sizes: PredictorSizes) {
    createParameters(scope, (ops) => boxPredictor(ops, sizes, null))
    this.#sizes = sizes
    this.#ops = testingOps(scope)
  }

  /** @param vectors `[R, channels]` */
  apply(vectors: tf.Tensor2D): RoiOutputs {
    const { channels, numClasses, classAgnostic } = this.#sizes
    expectShape("BoxPredictor.apply", vectors, [null, channels])
    const { logits, deltas } = boxPredictor<tf.Tensor>(this.#ops, this.#sizes, vectors)
    const perLabel = classAgnostic ? tf.tile(deltas, [1, numClasses + 1]) : deltas
    return { logits: logits as tf.Tensor2D, deltas: perLabel as tf.Tensor2D }
  }
}
