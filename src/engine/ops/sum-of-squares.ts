import * as tf from "@tensorflow/tfjs-core"
import { type ByEngine, current } from "../kernels.js"
import { float32, nativeOp } from "../native/op.js"

/** The sum of a tensor's squared values, in one pass on the native engine; nothing reaches the gradient tape. */
export const sumOfSquares = (x: tf.Tensor): tf.Scalar => tf.tidy(() => current(sums)(x))

const inTwoPasses = (x: tf.Tensor): tf.Scalar => tf.sum(tf.square(x))

const sums: ByEngine<typeof inTwoPasses> = {
  tensorflow: (x) => tf.mul(nativeOp("L2Loss", [x], { T: float32 }), 2),
  wasm: inTwoPasses,
  webgpu: inTwoPasses,
}
