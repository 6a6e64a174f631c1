import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import { sumOfSquares } from "../engine/ops/sum-of-squares.js"
import type { Optimizer } from "./optimizer.js"
import { decays, evenRates, type RateFactors, type SgdOptions, sgdDefaults } from "./options.js"
import { restoreMoments } from "./restore-moments.js"
import { type Update, updateOf } from "./update.js"

/**
 * Stochastic gradient descent with momentum: v = m v + g + d w, then w = w - rate v.
 * @source PyTorch `torch.optim.SGD`; Caffe has the rate inside v, which differs where the rate changes
 */
export class Sgd implements Optimizer {
  readonly #options: SgdOptions
  readonly #rates: RateFactors
  readonly #velocities: Map<string, tf.Variable>
  readonly #update: Update

  constructor(parameters: readonly Parameter[], options: SgdOptions = sgdDefaults, rates: RateFactors = evenRates) {
    this.#options = options
    this.#rates = rates
    this.#velocities = new Map(
      parameters.map(({ name, variable }) => [name, tf.tidy(() => tf.variable(tf.zerosLike(variable)))]),
    )
    this.#update = updateOf(parameters, (...given) => this.#move(...given))
  }

  apply(gradients: tf.NamedTensorMap, rate: number, scale = 1): void {
    const { momentum, weightDecay } = this.#options
    this.#update([momentum, weightDecay, rate, ...(scale === 1 ? [] : [scale])], gradients)
  }

  /** Moves a parameter down its gradient. @param scale of gradients, where they have any */
  #move(parameter: Parameter, gradient: tf.Tensor, [m, d, r, scale]: readonly tf.Scalar[]): void {
    const { name, variable } = parameter
    const velocity = this.#velocities.get(name)!
    const factor = this.#rates(parameter)
    const terms = [tf.mul(velocity, m!), scale === undefined ? gradient : tf.mul(gradient, scale)]
    if (this.#options.weightDecay > 0 && decays(parameter)) terms.push(tf.mul(variable, d!))
    velocity.assign(tf.addN(terms))
    variable.assign(tf.sub(variable, tf.mul(velocity, factor === 1 ? r! : tf.mul(r!, factor))))
  }

  /** The velocities by parameter name. */
  get moments(): ReadonlyMap<string, tf.Tensor> {
    return this.#velocities
  }

  restore(velocities: ReadonlyMap<string, Float32Array>): void {
    restoreMoments(this.#velocities, velocities)
  }

  dispose(): void {
    for (const variable of this.#velocities.values()) variable.dispose()
  }
}

/** The squared length of all gradients as one vector. */
export function squaredLength(gradients: tf.NamedTensorMap): tf.Scalar {
  return tf.tidy(() => tf.addN(Object.values(gradients).map(sumOfSquares)))
}
