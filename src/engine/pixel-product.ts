import * as tf from "@tensorflow/tfjs-core"
import type { Geometry } from "./convolution.js"
import { float32, nativeOp } from "./native-op.js"
import { hasOneDnn } from "./onednn.js"

/*
 * A 1x1 convolution of stride 1 is a matrix product of all pixels with the filter, and so are its gradients. oneDNN's
 * products are faster than its convolutions there: the filter's gradient always, the rest where pixels are many.
 */

type Shape4D = tf.Tensor4D["shape"]

/** Whether a convolution is a product that should be computed as one. */
export function isProduct([height, width]: Shape4D, { stride, padding }: Geometry): boolean {
  return height === 1 && width === 1 && stride === 1 && padding === 0 && hasOneDnn()
}

/** The convolution. `x` `[N, H, W, in]`, `filter` `[1, 1, in, out]` to `[N, H, W, out]`. */
export function pixelProduct(x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D {
  return unfolded(product(rows(x), matrix(filter), {}), x.shape, filter.shape[3])
}

/** The gradient of its filter. */
export function productFilterGradient(dy: tf.Tensor4D, x: tf.Tensor4D): tf.Tensor4D {
  const gradient = product(rows(x), rows(dy), { adj_x: true })
  return tf.reshape(gradient, [1, 1, x.shape[3], dy.shape[3]])
}

/** The gradient of its input, where the product is the faster way; else null. */
export function productInputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D | null {
  const [, , channels, out] = filter.shape
  if (dy.size / out < MANY * Math.max(channels, out)) return null
  return unfolded(product(rows(dy), matrix(filter), { adj_y: true }), dy.shape, channels)
}

/** From how many pixels a channel on the transposed filter's product is the faster. Measured on ResNet-50's layers. */
const MANY = 32

const rows = (maps: tf.Tensor4D): tf.Tensor2D => tf.reshape(maps, [-1, maps.shape[3]])

const matrix = (filter: tf.Tensor4D): tf.Tensor2D => tf.reshape(filter, [filter.shape[2], filter.shape[3]])

function unfolded(product: tf.Tensor, [count, height, width]: Shape4D, channels: number): tf.Tensor4D {
  return tf.reshape(product, [count, height, width, channels])
}

/** As fast as TensorFlow's MatMul, whose small products must not be hit by a signal: an addon that is not ours holds none. */
function product(a: tf.Tensor2D, b: tf.Tensor2D, transposed: { adj_x?: true; adj_y?: true }): tf.Tensor {
  return nativeOp("BatchMatMulV2", [a, b], { T: float32, adj_x: false, adj_y: false, ...transposed })
}
