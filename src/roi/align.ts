import * as tf from "@tensorflow/tfjs-core"
import { cropAndResize } from "../engine/crop-and-resize.js"
import { atLeastOne, withDefaults } from "../tensor/options.js"
import { expectShape } from "../tensor/shapes.js"

export interface RoiAlignOptions {
  /** The output is `size` x `size` bins. */
  readonly size: number
  /** Points per bin and axis that are averaged. */
  readonly samplingRatio: number
  /** Whether the pixel centres' half is taken off first (detectron2's ROIAlignV2) or not (torchvision's default). */
  readonly aligned: boolean
}

/** @source torchvision `MultiScaleRoIAlign(output_size=7, sampling_ratio=2)`, aligned false */
export const roiAlignDefaults: RoiAlignOptions = { size: 7, samplingRatio: 2, aligned: false }

/** @throws UsageError for an unknown option or a size below 1 */
export const roiAlignOptions = (overrides: Partial<RoiAlignOptions> = {}): RoiAlignOptions =>
  withDefaults("roiAlignOptions", roiAlignDefaults, overrides, { size: atLeastOne, samplingRatio: atLeastOne })

/**
 * Pools each region of the features into a small square of bins: every bin is the mean of bilinear samples at regular
 * points, without rounding. Gradients flow to the features, not to the boxes.
 *
 * The points of all bins form one regular grid, so a single crop-and-resize takes them; the features' edge is repeated
 * once beforehand, which gives points in the outermost half pixel the edge's value, and points beyond it 0.
 * @param features `[N, H, W, C]`
 * @param boxes `[R * 4]` x1, y1, x2, y2 in input pixels; R = 0 is legal
 * @param images `[R]` which of the N images each box is in
 * @param stride input pixels per feature cell
 * @returns `[R, size, size, C]`
 * @source Mask R-CNN, section 3; the sample points are those of torchvision `roi_align`
 */
export function roiAlign(
  features: tf.Tensor4D,
  boxes: Float32Array,
  images: Int32Array,
  stride: number,
  { size, samplingRatio, aligned }: RoiAlignOptions,
): tf.Tensor4D {
  expectShape("roiAlign", features, [null, null, null, null])
  const [, height, width, channels] = features.shape
  if (images.length === 0) return tf.zeros([0, size, size, channels])
  const points = size * samplingRatio
  const grid = new Float32Array(boxes.length)
  for (let at = 0; at < boxes.length; at += 4) {
    const [x1, x2] = span(boxes[at]! / stride, boxes[at + 2]! / stride, points, aligned)
    const [y1, y2] = span(boxes[at + 1]! / stride, boxes[at + 3]! / stride, points, aligned)
    // The repeated edge moves everything by one cell; CropAndResize wants 0..1 from the first cell to the last.
    grid[at] = (y1 + 1) / (height + 1)
    grid[at + 1] = (x1 + 1) / (width + 1)
    grid[at + 2] = (y2 + 1) / (height + 1)
    grid[at + 3] = (x2 + 1) / (width + 1)
  }
  return tf.tidy(() => {
    const samples = cropAndResize(
      repeatEdge(features),
      tf.tensor2d(grid, [images.length, 4]),
      tf.tensor1d(images, "int32"),
      [points, points],
    )
    return samplingRatio === 1 ? samples : tf.avgPool(samples, samplingRatio, samplingRatio, "valid")
  })
}

/** First and last sample point of a region from `low` to `high` cells. */
function span(low: number, high: number, points: number, aligned: boolean): [number, number] {
  const start = aligned ? low - 0.5 : low
  const length = aligned ? high - low : Math.max(high - low, 1)
  const half = length / points / 2
  return [start + half, start + length - half]
}

function repeatEdge(features: tf.Tensor4D): tf.Tensor4D {
  const [n, height, width, channels] = features.shape
  const row = (y: number) => tf.slice(features, [0, y, 0, 0], [n, 1, width, channels])
  const tall = tf.concat([row(0), features, row(height - 1)], 1)
  const column = (x: number) => tf.slice(tall, [0, 0, x, 0], [n, height + 2, 1, channels])
  return tf.concat([column(0), tall, column(width - 1)], 2)
}
