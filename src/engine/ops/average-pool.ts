import * as tf from "@tensorflow/tfjs-core"

/**
 * The mean of all cells, maps to vectors: `[N, H, W, C]` to `[N, C]`. tfjs's gradient of a mean makes a tensor of ones as
 * large as the maps in JavaScript and sends it to the engine: 103 MB for 256 regions of conv5.
 */
export function averagePool(x: tf.Tensor4D): tf.Tensor2D {
  const { shape } = x
  const [count, height, width, channels] = shape
  const pool = tf.customGrad((maps) => ({
    value: tf.mean(maps as tf.Tensor4D, [1, 2]),
    gradFunc: (dy: tf.Tensor) =>
      tf.mul(tf.reshape(tf.div(dy, height * width), [count, 1, 1, channels]), tf.fill(shape, 1)),
  }))
  return pool(x) as tf.Tensor2D
}
