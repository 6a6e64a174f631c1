import type * as tf from "@tensorflow/tfjs-core"
import { addRelu } from "../engine/relu.js"
import type { Scope } from "../tensor/parameters.js"
import { type BlockSpec, type StageSpec, stageChannels } from "./architecture.js"
import { type ConvolutionUnit, convolutionUnit, type NormKind, type Pass } from "./norm.js"

/** A residual block, basic or bottleneck: convolutions in a row, the shortcut added, ReLU. */
export class Block {
  readonly #units: readonly ConvolutionUnit[]
  readonly #shortcut: ConvolutionUnit | "identity" | "none"

  constructor(scope: Scope, spec: BlockSpec, norm: NormKind) {
    this.#units = spec.layers.map((layer) => convolutionUnit(scope, layer, norm))
    this.#shortcut = typeof spec.shortcut === "string" ? spec.shortcut : convolutionUnit(scope, spec.shortcut, norm)
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.#run(x, "forward")
  }

  train(x: tf.Tensor4D): tf.Tensor4D {
    return this.#run(x, "train")
  }

  #run(x: tf.Tensor4D, pass: Pass): tf.Tensor4D {
    const plain = this.#shortcut === "none"
    const last = this.#units.length - 1
    const maps = this.#units.reduce((maps, unit, index) => unit[pass](maps, plain || index < last), x)
    if (this.#shortcut === "none") return maps
    return addRelu(maps, this.#shortcut === "identity" ? x : this.#shortcut[pass](x, false))
  }
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
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.#blocks.reduce((maps, block) => block.forward(maps), x)
  }

  /** For training: batch norm uses the batch's statistics, and moves the running ones. */
  train(x: tf.Tensor4D): tf.Tensor4D {
    return this.#blocks.reduce((maps, block) => block.train(maps), x)
  }
}
