import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import { sumOfSquares } from "../engine/ops/sum-of-squares.js"
import { type SgdOptions, sgdDefaults } from "./options.js"

/**
 * Stochastic gradient descent with momentum: v = m v + g + d w, then w = w - rate v.
 * @source PyTorch `torch.optim.SGD`; Caffe has the rate inside v, which differs where the rate changes
 */
export class Sgd {
  readonly #parameters: readonly Parameter[]
  readonly #options: SgdOptions
  readonly #velocities: Map<string, tf.Variable>

  constructor(parameters: readonly Parameter[], options: SgdOptions = sgdDefaults) {
    this.#parameters = parameters
    this.#options = options
    this.#velocities = new Map(
      parameters.map(({ name, variable }) => [name, tf.tidy(() => tf.variable(tf.zerosLike(variable)))]),
    )
  }

  /**
   * One step down the gradients, which it leaves alone.
   * @param gradients by the variables' own names, as `tf.variableGrads` gives them; what is absent stays
   * @param scale what each gradient is multiplied with first (gradient clipping)
   */
  apply(gradients: tf.NamedTensorMap, rate: number, scale = 1): void {
    tf.tidy(() => {
      const { momentum, weightDecay } = this.#options
      // Made once: a number handed to an op becomes a tensor each time.
      const [m, d, r] = [momentum, weightDecay, rate].map((value) => tf.scalar(value)) as [
        tf.Scalar,
        tf.Scalar,
        tf.Scalar,
      ]
      for (const { name, kind, variable } of this.#parameters) {
        const gradient = gradients[variable.name]
        if (gradient === undefined) continue
        const velocity = this.#velocities.get(name)!
        const decays = weightDecay > 0 && (kind === "conv" || kind === "linear")
        tf.tidy(() => {
          const terms = [tf.mul(velocity, m), scale === 1 ? gradient : tf.mul(gradient, scale)]
          if (decays) terms.push(tf.mul(variable, d))
          velocity.assign(tf.addN(terms))
          variable.assign(tf.sub(variable, tf.mul(velocity, r)))
        })
      }
    })
  }

  /** The velocities by parameter name, for a checkpoint; read them, do not change them. */
  get velocities(): ReadonlyMap<string, tf.Tensor> {
    return this.#velocities
  }

  /**
   * Goes on with saved velocities.
   * @throws Error when they are another model's
   */
  restore(velocities: ReadonlyMap<string, Float32Array>): void {
    for (const [name, variable] of this.#velocities) {
      const saved = velocities.get(name)
      if (saved?.length !== variable.size) {
        throw new Error(
          `Sgd.restore: expected ${variable.size} velocities for "${name}", got ${saved?.length ?? "none"}`,
        )
      }
      tf.tidy(() => variable.assign(tf.tensor(saved, variable.shape)))
    }
  }

  dispose(): void {
    for (const variable of this.#velocities.values()) variable.dispose()
  }
}

/** The squared length of all gradients as one vector. */
export function squaredLength(gradients: tf.NamedTensorMap): tf.Scalar {
  return tf.tidy(() => tf.addN(Object.values(gradients).map(sumOfSquares)))
}
