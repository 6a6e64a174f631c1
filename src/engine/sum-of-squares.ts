import * as tf from "@tensorflow/tfjs-core"
import { float32, isNative, nativeOp } from "./native-op.js"

/** The sum of a tensor's squared values, in one pass on the native engine; nothing reaches the gradient tape. */
export function sumOfSquares(x: tf.Tensor): tf.Scalar {
  if (!isNative()) return tf.sum(tf.square(x))
  return tf.tidy(() => tf.mul(nativeOp("L2Loss", [x], { T: float32 }), 2))
}
