import * as tf from "@tensorflow/tfjs-core"

/**
 * Gives an optimizer's variables saved values.
 * @throws Error when they are another model's, or another optimizer's
 */
export function restoreMoments(
  moments: ReadonlyMap<string, tf.Variable>,
  saved: ReadonlyMap<string, Float32Array>,
): void {
  for (const [name, variable] of moments) {
    const values = saved.get(name)
    if (values?.length !== variable.size) {
      throw new Error(`restoreMoments: expected ${variable.size} values for "${name}", got ${values?.length ?? "none"}`)
    }
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)))
  }
}
