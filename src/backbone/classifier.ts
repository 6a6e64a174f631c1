import * as tf from "@tensorflow/tfjs-core"
import type { Scope } from "../core/parameters.js"
import type { Precision } from "../engine/names.js"
import { recorded } from "../engine/recorded.js"
import { type LayerOutput, observedOps } from "../layers/observe.js"
import type { NormKind, Ops } from "../layers/ops.js"
import { createParameters } from "../layers/parameters.js"
import { type OnStatistics, testingOps, trainingOps } from "../layers/tensor-ops.js"
import type { NetworkSpec } from "./architecture.js"
import { MeanPicture, type MeanPictureOptions } from "./mean-picture.js"
import { classifier, classify, type Part, resNetParts, runParts, totalStride } from "./resnet.js"

export interface ClassifierOptions {
  /** As many as the network usually has when left out. */
  readonly classes?: number
  readonly norm: NormKind
  /** How many parts do not train, from the image on: 1 the stem, 2 the stem and layer1, ... */
  readonly frozen: number
  /** Given where a mean picture is taken off images of its size. */
  readonly meanPicture?: MeanPictureOptions | undefined
  /** Of testing, and of the parts that do not train; float32 where left out. */
  readonly precision?: Precision | undefined
}

/** @source He et al. 2016 section 3.4: batch norm behind every convolution */
export const classifierDefaults: ClassifierOptions = { norm: "batch", frozen: 0 }

/** A classification network on tensors; its parameters have torchvision's names. */
export class ResNet {
  /** Input pixels per cell of the last maps. */
  readonly stride: number
  readonly #scope: Scope
  readonly #network: NetworkSpec
  readonly #parts: readonly Part[]
  readonly #classes: number
  readonly #frozen: number
  readonly #meanPicture: MeanPicture | undefined
  readonly #testing: Ops<tf.Tensor>
  readonly #training: Ops<tf.Tensor>
  readonly #forward: (images: tf.Tensor4D) => readonly tf.Tensor[]
  readonly #frozenFeatures: (images: tf.Tensor4D) => readonly tf.Tensor[]
  readonly #precision: Precision
  /** By the window. */
  readonly #dense = new Map<number, (images: tf.Tensor4D) => readonly tf.Tensor[]>()

  constructor(scope: Scope, network: NetworkSpec, options: Partial<ClassifierOptions> = {}) {
    const { classes = network.classes, norm, frozen, meanPicture, precision } = { ...classifierDefaults, ...options }
    this.#meanPicture = meanPicture && new MeanPicture(scope, meanPicture)
    createParameters(scope, (ops) => classifier(ops, network, { classes, norm, freezeAt: frozen }, null))
    this.stride = totalStride(network)
    this.#scope = scope
    this.#network = network
    this.#parts = resNetParts(network, { norm })
    this.#classes = classes
    this.#frozen = frozen
    this.#testing = testingOps(scope)
    this.#training = trainingOps(scope)
    this.#precision = precision ?? "float32"
    const forward = (images: tf.Tensor4D) => [this.#classify(this.#testing, this.stages(images).at(-1)!)]
    this.#forward = recorded(forward, this.#precision)
    this.#frozenFeatures = recorded((images) => this.#frozenParts(images), this.#precision)
  }

  /** Images `[N, H, W, 3]`, normalised float32, to logits `[N, classes]`, for testing. */
  forward(images: tf.Tensor4D): tf.Tensor2D {
    return this.#forward(images)[0] as tf.Tensor2D
  }

  /** What the parts that do not train make of images, for `train`; run it outside the gradient tape. */
  frozenFeatures(images: tf.Tensor4D): tf.Tensor4D {
    if (this.#frozen === 0) return this.#enter(images)
    return this.#frozenFeatures(images)[0] as tf.Tensor4D
  }

  #frozenParts(images: tf.Tensor4D): tf.Tensor[] {
    return runParts<tf.Tensor>(this.#testing, this.#parts, this.#enter(images), { to: this.#frozen }).slice(-1)
  }

  /**
   * As `forward`, for training: batch norm uses the batch's statistics and moves the running ones.
   * @param stem `frozenFeatures` of the images
   * @param onStatistics is told the batch's statistics, which then leave the running ones as they are
   */
  train(stem: tf.Tensor4D, onStatistics?: OnStatistics): tf.Tensor2D {
    const ops = onStatistics ? trainingOps(this.#scope, onStatistics) : this.#training
    return this.#classify(ops, runParts<tf.Tensor>(ops, this.#parts, stem, { from: this.#frozen }).at(-1) ?? stem)
  }

  /**
   * As `forward` at every place of larger images `[N, H, W, 3]`: the average pool is taken over each `window` x `window`
   * cells of the last maps, stride 1, and the linear layer is applied to each. Smaller maps are pooled whole.
   * @returns `[N * rows * columns, classes]`, places of an image in reading order
   */
  dense(images: tf.Tensor4D, window: number): tf.Tensor2D {
    let run = this.#dense.get(window)
    if (run === undefined) {
      run = recorded((images: tf.Tensor4D) => [this.#denseAt(images, window)], this.#precision)
      this.#dense.set(window, run)
    }
    return run(images)[0] as tf.Tensor2D
  }

  #denseAt(images: tf.Tensor4D, window: number): tf.Tensor2D {
    const maps = this.stages(images).at(-1)!
    const [, height, width, channels] = maps.shape
    const pooled = tf.avgPool(maps, [Math.min(window, height), Math.min(window, width)], 1, "valid")
    const vectors = tf.reshape(pooled, [-1, channels])
    return classify<tf.Tensor>(this.#testing, this.#network, this.#classes, vectors) as tf.Tensor2D
  }

  /** The maps of every stage (conv2, conv3, ...), finest first, for testing. */
  stages(images: tf.Tensor4D): tf.Tensor4D[] {
    return this.#stages(this.#testing, images)
  }

  /** As `stages`, showing what each convolution gives before its ReLU or addition. */
  observe(images: tf.Tensor4D, observe: (output: LayerOutput<tf.Tensor>) => void): tf.Tensor4D[] {
    return this.#stages(observedOps(this.#testing, observe), images)
  }

  #stages(ops: Ops<tf.Tensor>, images: tf.Tensor4D): tf.Tensor4D[] {
    return runParts<tf.Tensor>(ops, this.#parts, this.#enter(images)).slice(1) as tf.Tensor4D[]
  }

  #enter(images: tf.Tensor4D): tf.Tensor4D {
    return this.#meanPicture?.subtract(images) ?? images
  }

  #classify(ops: Ops<tf.Tensor>, maps: tf.Tensor): tf.Tensor2D {
    return classify(ops, this.#network, this.#classes, ops.averagePool(maps)) as tf.Tensor2D
  }
}
