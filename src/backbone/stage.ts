import * as tf from "@tensorflow/tfjs-core"
import { addRelu } from "../engine/ops/relu.js"
import type { Scope } from "../tensor/parameters.js"
import { type BlockSpec, isProjection, type PaddedShortcut, type StageSpec, stageChannels } from "./architecture.js"
import { type ConvolutionUnit, convolutionUnit, type NormKind, type Pass } from "./norm.js"
import { type LayerOutput, type Observer, observed } from "./observer.js"

/** A block, basic or bottleneck: convolutions in a row, the shortcut added (not in a plain net), ReLU. */
export class Block {
  readonly #units: readonly ConvolutionUnit[]
  readonly #layers: readonly Omit<LayerOutput, "maps">[]
  readonly #plain: boolean
  /** The shortcut's convolution, where it is one. */
  readonly #projection: ConvolutionUnit | undefined
  readonly #padding: PaddedShortcut | undefined

  constructor(scope: Scope, spec: BlockSpec, norm: NormKind) {
    this.#units = spec.layers.map((layer) => convolutionUnit(scope, layer, norm))
    this.#layers = spec.layers.map(({ conv, kernel }) => ({ name: scope.prefix + conv, kernel }))
    const { shortcut } = spec
    this.#plain = shortcut === "none"
    this.#projection = isProjection(shortcut) ? convolutionUnit(scope, shortcut, norm) : undefined
    this.#padding = typeof shortcut === "string" || isProjection(shortcut) ? undefined : shortcut
  }

  forward(x: tf.Tensor4D, observe?: Observer): tf.Tensor4D {
    return this.#run(x, "forward", observe)
  }

  train(x: tf.Tensor4D): tf.Tensor4D {
    return this.#run(x, "train")
  }

  #run(x: tf.Tensor4D, pass: Pass, observe?: Observer): tf.Tensor4D {
    const last = this.#units.length - 1
    const units = this.#units.map((unit, index) => observed(unit, this.#layers[index]!, observe))
    const maps = units.reduce((maps, unit, index) => unit[pass](maps, this.#plain || index < last), x)
    if (this.#plain) return maps
    return addRelu(maps, this.#projection?.[pass](x, false) ?? (this.#padding ? padChannels(x, this.#padding) : x))
  }
}

/** Every `stride`-th pixel, its channels filled up with zeros. */
function padChannels(x: tf.Tensor4D, { zeros, stride, in: channels, out }: PaddedShortcut): tf.Tensor4D {
  const before = zeros === "both" ? Math.floor((out - channels) / 2) : 0
  // A pool over single pixels, as strided slices have no gradient.
  const taken = stride === 1 ? x : tf.avgPool(x, 1, stride, "valid")
  return tf.pad(taken, [
    [0, 0],
    [0, 0],
    [0, 0],
    [before, out - channels - before],
  ])
}

/**
 * The blocks of one map size, such as torchvision's `layer4` (the paper's conv5_x): `[N, H, W, in]` to
 * `[N, H / stride, W / stride, channels]`, rounded up.
 */
export class Stage {
  /** Channels of the maps it gives. */
  readonly channels: number
  readonly #blocks: readonly Block[]

  constructor(scope: Scope, spec: StageSpec, norm: NormKind) {
    this.channels = stageChannels(spec)
    this.#blocks = spec.map((block, index) => new Block(scope.in(index), block, norm))
  }

  /** For testing: batch norm uses its running statistics. */
  forward(x: tf.Tensor4D, observe?: Observer): tf.Tensor4D {
    return this.#blocks.reduce((maps, block) => block.forward(maps, observe), x)
  }

  /** For training: batch norm uses the batch's statistics, and moves the running ones. */
  train(x: tf.Tensor4D): tf.Tensor4D {
    return this.#blocks.reduce((maps, block) => block.train(maps), x)
  }
}
