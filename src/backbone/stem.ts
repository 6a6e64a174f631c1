import type * as tf from "@tensorflow/tfjs-core"
import { stemPool } from "../engine/ops/max-pool.js"
import type { Scope } from "../tensor/parameters.js"
import type { LayerSpec } from "./architecture.js"
import { type ConvolutionUnit, convolutionUnit, type NormKind } from "./norm.js"
import { type Observer, observed } from "./observer.js"

/** The first convolution (`conv1`) and, for ImageNet networks, the max pool behind it. */
export class Stem {
  readonly #unit: ConvolutionUnit
  readonly #name: string
  readonly #kernel: number
  readonly #pool: boolean

  constructor(scope: Scope, spec: LayerSpec, pool: boolean, norm: NormKind) {
    this.#unit = convolutionUnit(scope, spec, norm)
    this.#name = scope.prefix + spec.conv
    this.#kernel = spec.kernel
    this.#pool = pool
  }

  forward(images: tf.Tensor4D, observe?: Observer): tf.Tensor4D {
    const unit = observed(this.#unit, { name: this.#name, kernel: this.#kernel }, observe)
    return this.#then(unit.forward(images, true))
  }

  train(images: tf.Tensor4D): tf.Tensor4D {
    return this.#then(this.#unit.train(images, true))
  }

  #then(maps: tf.Tensor4D): tf.Tensor4D {
    return this.#pool ? stemPool(maps) : maps
  }
}
