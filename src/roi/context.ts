import * as tf from "@tensorflow/tfjs-core"
import { takeRows } from "../engine/ops/take-rows.js"

/**
 * Global context: beside each region's vector, that of the whole image it is in.
 * @param vectors `[R + N, C]`: those of R regions, then those of the N images as one region each
 * @param images `[R]` int32: which image each region is in
 * @returns `[R, 2 * C]`; gradients flow to both
 * @source He et al. 2015, appendix B, "Global context"
 */
export function besideContext(vectors: tf.Tensor2D, images: tf.Tensor1D): tf.Tensor2D {
  const regions = images.shape[0]
  const context = takeRows(vectors, tf.add(images, tf.scalar(regions, "int32")))
  return tf.concat([tf.slice(vectors, 0, regions), context], 1)
}

/** Every image as one region, `[N * 4]`. @param sizes `[height, width]` of each inside its padded input */
export function wholeImages(sizes: readonly (readonly [number, number])[]): Float32Array {
  return Float32Array.from(sizes.flatMap(([height, width]) => [0, 0, width, height]))
}
