import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import type { Optimizer } from "./optimizer.js"
import { type AdamWOptions, adamwDefaults, decays, evenRates, type RateFactors } from "./options.js"
import { restoreMoments } from "./restore-moments.js"

/** The moments' name for how many steps there have been. */
const STEPS = "steps"

/**
 * Adam with decoupled weight decay: w = w - rate d w, then w = w - rate m' / (sqrt(v') + eps), where m and v are running
 * means of g and g^2, and m' and v' what they are divided by 1 - beta^steps, since they begin at 0.
 * @source Loshchilov & Hutter 2019, algorithm 2, with the rate in the decay as in PyTorch `torch.optim.AdamW`
 */
export class AdamW implements Optimizer {
  readonly #parameters: readonly Parameter[]
  readonly #options: AdamWOptions
  readonly #rates: RateFactors
  readonly #moments: Map<string, tf.Variable>
  #steps = 0

  constructor(parameters: readonly Parameter[], options: AdamWOptions = adamwDefaults, rates: RateFactors = evenRates) {
    this.#parameters = parameters
    this.#options = options
    this.#rates = rates
    const zeros = parameters.flatMap(({ name, variable }) =>
      [`${name}.mean`, `${name}.square`].map(
        (moment) => [moment, tf.tidy(() => tf.variable(tf.zerosLike(variable)))] as const,
      ),
    )
    this.#moments = new Map([[STEPS, tf.tidy(() => tf.variable(tf.tensor1d([0])))], ...zeros])
  }

  apply(gradients: tf.NamedTensorMap, rate: number, scale = 1): void {
    tf.tidy(() => {
      const { betas, epsilon, weightDecay } = this.#options
      this.#steps++
      this.#moments.get(STEPS)!.assign(tf.tensor1d([this.#steps]))
      const [ofMean, ofSquare] = betas.map((beta) => 1 - beta ** this.#steps) as [number, number]
      for (const parameter of this.#parameters) {
        const { name, variable } = parameter
        const gradient = gradients[variable.name]
        if (gradient === undefined) continue
        tf.tidy(() => {
          const own = rate * this.#rates(parameter)
          const g = scale === 1 ? gradient : tf.mul(gradient, scale)
          const mean = this.#follow(`${name}.mean`, g, betas[0])
          const square = this.#follow(`${name}.square`, tf.square(g), betas[1])
          const kept = decays(parameter) ? tf.mul(variable, 1 - own * weightDecay) : variable
          const length = tf.add(tf.div(tf.sqrt(square), Math.sqrt(ofSquare)), epsilon)
          variable.assign(tf.sub(kept, tf.mul(tf.div(mean, length), own / ofMean)))
        })
      }
    })
  }

  #follow(name: string, value: tf.Tensor, beta: number): tf.Tensor {
    const moment = this.#moments.get(name)!
    moment.assign(tf.add(tf.mul(moment, beta), tf.mul(value, 1 - beta)))
    return moment
  }

  get moments(): ReadonlyMap<string, tf.Tensor> {
    return this.#moments
  }

  restore(moments: ReadonlyMap<string, Float32Array>): void {
    restoreMoments(this.#moments, moments)
    this.#steps = moments.get(STEPS)![0]!
  }

  dispose(): void {
    for (const variable of this.#moments.values()) variable.dispose()
  }
}
