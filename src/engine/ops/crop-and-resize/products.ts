import * as tf from "@tensorflow/tfjs-core"
import { type Chunk, rowChunks, sliceRows } from "../../row-chunks.js"
import type { Shape4D } from "./crop-and-resize.js"

/**
 * The gradient of {@link cropAndResize} for the features as two matrix products: crops are linear in the map, and the
 * weight of cell k for a sample at y is `max(0, 1 - |y - k|)`.
 */
export function cropGradientByProducts(
  grads: tf.Tensor4D,
  boxes: tf.Tensor2D,
  imageIndices: tf.Tensor1D,
  shape: Shape4D,
  valuesAtOnce = widenedAtOnce,
): tf.Tensor4D {
  const [, rows] = grads.shape
  const [, , width, channels] = shape
  const chunks = rowChunks(boxes.shape[0], Math.floor(valuesAtOnce / (rows * width * channels)))
  const part = (chunk: Chunk) =>
    productsOf(sliceRows(grads, chunk), sliceRows(boxes, chunk), sliceRows(imageIndices, chunk), shape)
  return tf.tidy(() => tf.addN(chunks.map((chunk) => tf.tidy(() => part(chunk)))))
}

/** At most this many values of crops widened to whole rows of the map at once, about 256 MB. */
const widenedAtOnce = 2 ** 26

function productsOf(
  grads: tf.Tensor4D,
  boxes: tf.Tensor2D,
  imageIndices: tf.Tensor1D,
  [images, height, width, channels]: Shape4D,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [count, rows, columns] = grads.shape
    const [y1, x1, y2, x2] = tf.split(boxes, 4, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
    const alongY = sampleWeights(y1, y2, rows, height)
    const alongX = tf.tile(tf.expandDims(sampleWeights(x1, x2, columns, width), 1), [1, rows, 1, 1])
    const widened = tf.reshape(tf.matMul(alongX, grads, true), [count * rows, width * channels])
    const ofImage = tf.equal(
      tf.reshape(imageIndices, [count, 1, 1, 1]),
      tf.reshape(tf.range(0, images, 1, "int32"), [1, 1, images, 1]),
    )
    const perImage = tf.mul(tf.expandDims(alongY, 2), tf.cast(ofImage, "float32"))
    const flat = tf.reshape(perImage, [count * rows, images * height])
    return tf.reshape(tf.matMul(flat, widened, true), [images, height, width, channels])
  })
}

/** [R, samples, cells]: how much each cell of one axis counts in each sample of a box. */
function sampleWeights(low: tf.Tensor2D, high: tf.Tensor2D, samples: number, cells: number): tf.Tensor3D {
  const span = cells - 1
  const at =
    samples > 1
      ? tf.add(tf.mul(low, span), tf.mul(tf.range(0, samples), tf.div(tf.mul(tf.sub(high, low), span), samples - 1)))
      : tf.mul(tf.mul(tf.add(low, high), 0.5), span)
  const inside = tf.logicalAnd(tf.greaterEqual(at, 0), tf.lessEqual(at, span))
  const distance = tf.abs(tf.sub(tf.expandDims(at, 2), tf.range(0, cells)))
  return tf.mul(tf.relu(tf.sub(1, distance)), tf.expandDims(tf.cast(inside, "float32"), 2))
}
