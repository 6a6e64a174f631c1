import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import type { AverageOptions } from "./options.js"

/**
 * A running mean of the weights over the steps of a run: mean += (1 - d) (weights - mean), where after n steps
 * d = decay (1 - exp(-n / ramp)).
 */
export class WeightAverage {
  readonly #pairs: ReadonlyMap<string, { readonly variable: tf.Variable; readonly mean: tf.Variable }>
  readonly #options: AverageOptions

  /** Starts from the weights as they are. @param parameters what is trained; the rest never moves */
  constructor(parameters: readonly Parameter[], options: AverageOptions) {
    this.#options = options
    this.#pairs = new Map(
      parameters.map(({ name, variable }) => [name, { variable, mean: tf.tidy(() => tf.variable(variable)) }]),
    )
  }

  /** Takes in the weights after an update. @param step how many there have been, this one included */
  follow(step: number): void {
    const { decay, ramp } = this.#options
    tf.tidy(() => {
      const share = tf.scalar(1 - decay * (1 - Math.exp(-step / ramp)))
      for (const { variable, mean } of this.#pairs.values()) {
        mean.assign(tf.add(mean, tf.mul(tf.sub(variable, mean), share)))
      }
    })
  }

  /** Does `work` with the means in the model's place. */
  async during<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    this.#swap()
    try {
      return await work()
    } finally {
      this.#swap()
    }
  }

  #swap(): void {
    tf.tidy(() => {
      for (const { variable, mean } of this.#pairs.values()) {
        const held = tf.clone(variable)
        variable.assign(tf.clone(mean))
        mean.assign(held)
      }
    })
  }

  /** The means by parameter name, for a checkpoint; read them, do not change them. */
  get means(): ReadonlyMap<string, tf.Tensor> {
    return new Map([...this.#pairs].map(([name, { mean }]) => [name, mean]))
  }

  /**
   * Goes on with saved means.
   * @throws Error when they are another model's
   */
  restore(means: ReadonlyMap<string, Float32Array>): void {
    for (const [name, { mean }] of this.#pairs) {
      const saved = means.get(name)
      if (saved?.length !== mean.size) {
        throw new Error(
          `WeightAverage.restore: expected ${mean.size} values for "${name}", got ${saved?.length ?? "none"}`,
        )
      }
      tf.tidy(() => mean.assign(tf.tensor(saved, mean.shape)))
    }
  }

  dispose(): void {
    for (const { mean } of this.#pairs.values()) mean.dispose()
  }
}
