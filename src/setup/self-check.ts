import * as tf from "@tensorflow/tfjs-core"
import { withData } from "../engine/readback.js"

export interface CheckResult {
  readonly name: string
  readonly passed: boolean
}

/** Runs a matrix product, a convolution and its gradient on the current engine and compares with values worked by hand. */
export function checkEngine(): Promise<CheckResult[]> {
  const run = () => {
    const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]))
    const image = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1])
    const filter = tf.tensor4d([1, 0, 0, -2], [2, 2, 1, 1])
    const conv = (x: tf.Tensor, f: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, "valid")
    const slopes = tf.grads((x: tf.Tensor, f: tf.Tensor) => tf.sum(conv(x, f)))([image, filter])
    return { product, convolution: conv(image, filter), byImage: slopes[0]!, byFilter: slopes[1]! }
  }
  return withData(run, ({ product, convolution, byImage, byFilter }) => [
    check("matrix product", product, [19, 22, 43, 50]),
    check("convolution", convolution, [-9, -10, -12, -13]),
    check("convolution gradient (input)", byImage, [1, 1, 0, 1, -1, -2, 0, -2, -2]),
    check("convolution gradient (filter)", byFilter, [12, 16, 24, 28]),
  ])
}

function check(name: string, tensor: tf.Tensor, expected: readonly number[]): CheckResult {
  const values = tensor.dataSync()
  const passed =
    values.length === expected.length && expected.every((value, at) => Math.abs(values[at]! - value) < 1e-4)
  return { name, passed }
}
