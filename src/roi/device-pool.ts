import * as tf from "@tensorflow/tfjs-core"
import type { Size } from "../core/shapes.js"
import { logOf, maximaOnDevice } from "../engine/ops/region-maxima/tables.js"
import { numbersOfRegion } from "./device-align.js"

/**
 * As `roiPool`, by where regions are as values on the device: nothing but shapes is known of them, so that it can be recorded.
 * The same bits.
 * @param regions `[R, 6]`, see `numbersOfRegion`, within their images; R of 1 or more
 * @returns `[R, size, size, C]`
 */
export function poolOnDevice(features: tf.Tensor4D, regions: tf.Tensor2D, stride: number, size: number): tf.Tensor4D {
  const [, height, width] = features.shape
  return tf.tidy(() => {
    const [x1, y1, x2, y2, images] = tf.split(regions, numbersOfRegion, 1) as tf.Tensor2D[]
    const bins = {
      images: images!,
      rows: binsOf(y1!, y2!, stride, size, height),
      columns: binsOf(x1!, x2!, stride, size, width),
    }
    return maximaOnDevice(features, bins, { down: longest(height, size), across: longest(width, size) })
  })
}

/** A region within an image covers one cell more than the map has at most, and a bin one more than its part. */
const longest = (cells: number, size: number): number => logOf(Math.min(cells, Math.ceil((cells + 1) / size) + 1))

/** Whether all boxes `[R * 4]` are within images of these sizes, as `poolOnDevice` takes it. */
export const areWithin = (boxes: Float32Array, images: Int32Array, sizes: readonly Size[]): boolean =>
  boxes.every((edge, at) => edge >= 0 && edge <= sizes[images[at >> 2]!]![at % 2 === 0 ? 1 : 0])

/** As `binsOf` of `roiPool`, in the same steps of float32: `[R, size, 2]`. */
function binsOf(low: tf.Tensor2D, high: tf.Tensor2D, stride: number, size: number, cells: number): tf.Tensor3D {
  const first = roundedCell(low, stride)
  const count = tf.maximum(tf.add(tf.sub(roundedCell(high, stride), first), 1), 1)
  const step = tf.div(count, size)
  const edge = (from: number) =>
    tf.mul(
      step,
      tf.tensor2d(
        Array.from({ length: size }, (_, k) => k + from),
        [1, size],
      ),
    )
  const within = (cell: tf.Tensor) => tf.minimum(tf.maximum(tf.add(first, cell), 0), cells)
  return tf.stack([within(tf.floor(edge(0))), within(tf.ceil(edge(1)))], 2) as tf.Tensor3D
}

/** The nearest cell, halves up: edges are not below 0. */
function roundedCell(edge: tf.Tensor2D, stride: number): tf.Tensor2D {
  const cell = tf.div(edge, stride)
  const whole = tf.floor(cell)
  return tf.add(whole, tf.cast(tf.greaterEqual(tf.sub(cell, whole), 0.5), "float32"))
}
