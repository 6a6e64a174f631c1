import * as tf from "@tensorflow/tfjs-core"
import type { Parameters, Weights } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"

/** Gives norms values as if they had learnt something: none is 0, scales and variances are positive. */
export function learnNorms(parameters: Parameters): void {
  const random = seededRandom(2)
  for (const { name, kind, variable } of parameters) {
    if (kind !== "norm" && kind !== "statistic") continue
    const draw = name.endsWith("bias") || name.endsWith("mean") ? random.normal : () => 0.2 + 0.8 * random.uniform()
    tf.tidy(() => variable.assign(tf.tensor1d(Array.from({ length: variable.size }, draw))))
  }
}

/** All values by name, as a file has them. */
export const weightsOf = (parameters: Parameters): Weights =>
  new Map(
    [...parameters].map(({ name, variable }) => {
      return [name, { shape: variable.shape, values: variable.dataSync<"float32">() }] as const
    }),
  )
