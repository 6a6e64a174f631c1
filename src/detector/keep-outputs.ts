import * as tf from "@tensorflow/tfjs-core"

/** Maps that are the caller's to dispose of, even where a backbone hands its input on; all else is freed. */
export function keepOutputs(make: () => readonly tf.Tensor4D[]): tf.Tensor4D[] {
  return tf.tidy(() => make().map((map) => tf.clone(map)))
}
