import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import type { Optimizer } from "./optimizer.js"
import { type AdamWOptions, adamwDefaults, decays, evenRates, type RateFactors } from "./options.js"
import { restoreMoments } from "./restore-moments.js"
import { type Update, updateOf } from "./update.js"

/** The moments' name for how many steps there have been. */
const STEPS = "steps"

/**
 * Adam with decoupled weight decay: w = w - rate d w, then w = w - rate m' / (sqrt(v') + eps), where m and v are running
 * means of g and g^2, and m' and v' what they are divided by 1 - beta^steps, since they begin at 0.
 * @source Loshchilov & Hutter 2019, algorithm 2, with the rate in the decay as in PyTorch `torch.optim.AdamW`
 */
export class AdamW implements Optimizer {
  readonly #options: AdamWOptions
  readonly #rates: RateFactors
  /** The different ones among the rates. */
  readonly #factors: readonly number[]
  readonly #moments: Map<string, tf.Variable>
  readonly #update: Update
  #steps = 0

  constructor(parameters: readonly Parameter[], options: AdamWOptions = adamwDefaults, rates: RateFactors = evenRates) {
    this.#options = options
    this.#rates = rates
    this.#factors = [...new Set(parameters.map(rates))]
    this.#update = updateOf(parameters, (...given) => this.#move(...given))
    const zeros = parameters.flatMap(({ name, variable }) =>
      [`${name}.mean`, `${name}.square`].map(
        (moment) => [moment, tf.tidy(() => tf.variable(tf.zerosLike(variable)))] as const,
      ),
    )
    this.#moments = new Map([[STEPS, tf.tidy(() => tf.variable(tf.tensor1d([0])))], ...zeros])
  }

  apply(gradients: tf.NamedTensorMap, rate: number, scale = 1): void {
    const { betas, epsilon, weightDecay } = this.#options
    this.#steps++
    tf.tidy(() => this.#moments.get(STEPS)!.assign(tf.tensor1d([this.#steps])))
    const [ofMean, ofSquare] = betas.map((beta) => 1 - beta ** this.#steps) as [number, number]
    const ofSteps = [betas[0], 1 - betas[0], betas[1], 1 - betas[1], Math.sqrt(ofSquare), epsilon]
    const ofRates = this.#factors.flatMap((factor) => {
      const own = rate * factor
      return [1 - own * weightDecay, own / ofMean]
    })
    this.#update([...ofSteps, ...ofRates, ...(scale === 1 ? [] : [scale])], gradients)
  }

  #move(parameter: Parameter, gradient: tf.Tensor, numbers: readonly tf.Scalar[]): void {
    const { name, variable } = parameter
    const [kept, added, keptSquare, addedSquare, ofSquare, epsilon] = numbers as [
      ...[tf.Scalar, tf.Scalar, tf.Scalar, tf.Scalar, tf.Scalar, tf.Scalar],
      ...tf.Scalar[],
    ]
    const at = 6 + 2 * this.#factors.indexOf(this.#rates(parameter))
    const [decay, rate, scale] = [numbers[at]!, numbers[at + 1]!, numbers[6 + 2 * this.#factors.length]]
    const g = scale === undefined ? gradient : tf.mul(gradient, scale)
    const mean = this.#follow(`${name}.mean`, g, kept, added)
    const square = this.#follow(`${name}.square`, tf.square(g), keptSquare, addedSquare)
    const rest = decays(parameter) ? tf.mul(variable, decay) : variable
    const length = tf.add(tf.div(tf.sqrt(square), ofSquare), epsilon)
    variable.assign(tf.sub(rest, tf.mul(tf.div(mean, length), rate)))
  }

  #follow(name: string, value: tf.Tensor, kept: tf.Scalar, added: tf.Scalar): tf.Tensor {
    const moment = this.#moments.get(name)!
    moment.assign(tf.add(tf.mul(moment, kept), tf.mul(value, added)))
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
