import * as tf from "@tensorflow/tfjs-core"
import { expectShape } from "../core/shapes.js"
import { regionMaxima } from "../engine/ops/region-maxima/region-maxima.js"

/**
 * Pools each region of the features into `size` x `size` bins by their largest values. A region's edges are rounded to
 * whole cells, its bins' outwards, so that neighbours share cells; what lies outside the map takes no part, and a bin
 * with nothing in it is 0. Gradients flow to the features' largest values, not to the boxes.
 * @param features `[N, H, W, C]`
 * @param boxes `[R * 4]` x1, y1, x2, y2 in input pixels; R = 0 is valid
 * @param images `[R]` which of the N images each box is in
 * @param stride input pixels per feature cell
 * @returns `[R, size, size, C]`
 * @source Fast R-CNN, section 2.1; the rounding is that of its Caffe layer and of torchvision `roi_pool`
 */
export function roiPool(
  features: tf.Tensor4D,
  boxes: Float32Array,
  images: Int32Array,
  stride: number,
  size: number,
): tf.Tensor4D {
  expectShape("roiPool", features, [null, null, null, null])
  if (images.length === 0) return tf.zeros([0, size, size, features.shape[3]])
  const [, height, width] = features.shape
  return regionMaxima(features, images, {
    rows: binsOf(boxes, 1, stride, size, height),
    columns: binsOf(boxes, 0, stride, size, width),
  })
}

/**
 * The cells of every region's bins along one axis.
 * @param axis 0 across, 1 down
 * @returns `[R * size * 2]` each bin's first cell and the one behind its last
 */
function binsOf(boxes: Float32Array, axis: 0 | 1, stride: number, size: number, cells: number): Int32Array {
  const bins = new Int32Array((boxes.length / 4) * size * 2)
  const within = (cell: number) => Math.min(Math.max(cell, 0), cells)
  let at = 0
  for (let box = axis; box < boxes.length; box += 4) {
    const first = roundedCell(boxes[box]!, stride)
    const count = Math.max(roundedCell(boxes[box + 2]!, stride) - first + 1, 1)
    const step = Math.fround(count / size)
    for (let bin = 0; bin < size; bin++) {
      bins[at++] = within(first + Math.floor(Math.fround(bin * step)))
      bins[at++] = within(first + Math.ceil(Math.fround((bin + 1) * step)))
    }
  }
  return bins
}

/** The nearest cell, halves away from 0. */
function roundedCell(edge: number, stride: number): number {
  const cell = Math.fround(edge / stride)
  return Math.sign(cell) * Math.round(Math.abs(cell))
}
