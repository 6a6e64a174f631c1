import * as tf from "@tensorflow/tfjs-core"
import { expectShape } from "../core/shapes.js"
import { cropAndResize } from "../engine/ops/crop-and-resize/crop-and-resize.js"
import { inGroups } from "./groups.js"

export interface RoiAlignOptions {
  /** The output is `size` x `size` bins. */
  readonly size: number
  /** Points per bin and axis that are averaged; 0: as many as the bin has cells, rounded up, each region its own. */
  readonly samplingRatio: number
  /** Whether the pixel centres' half is taken off first (detectron2's ROIAlignV2) or not (torchvision's default). */
  readonly aligned: boolean
}

/**
 * Pools each region of the features into a small square of bins: every bin is the mean of bilinear samples at regular
 * points, without rounding. Gradients flow to the features, not to the boxes.
 *
 * The points of all bins form one regular grid, so a single crop-and-resize takes them; the features' edge is repeated
 * once beforehand, which gives points in the outermost half pixel the edge's value, and points beyond it 0.
 * @param features `[N, H, W, C]`
 * @param boxes `[R * 4]` x1, y1, x2, y2 in input pixels; R = 0 is valid
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
  const count = images.length
  if (count === 0) return tf.zeros([0, size, size, features.shape[3]])
  const spans = [1, 0].map((axis) => {
    return Array.from({ length: count }, (_, i) => spanOf(boxes, 4 * i + axis, stride, aligned))
  })
  const [down, across] = spans.map((own) => own.map(({ length }) => samplingRatio || pointsWithin(length, size)))
  return tf.tidy(() => {
    const edged = repeatEdge(features)
    const keys = down!.map((points, i) => `${points} ${across![i]}`)
    return inGroups(keys, (members) => {
      const points = [down![members[0]!]!, across![members[0]!]!] as const
      // A region without extent has no points.
      if (points[0] === 0 || points[1] === 0) return tf.zeros([members.length, size, size, features.shape[3]])
      const grid = new Float32Array(4 * members.length)
      for (const [row, i] of members.entries()) {
        for (const axis of [0, 1]) {
          const { start, length } = spans[axis]![i]!
          const half = length / (size * points[axis]!) / 2
          // The repeated edge moves everything by one cell; CropAndResize wants 0..1 from the first cell to the last.
          const last = features.shape[1 + axis]! + 1
          grid[4 * row + axis] = (start + half + 1) / last
          grid[4 * row + 2 + axis] = (start + length - half + 1) / last
        }
      }
      const own = tf.tensor1d(
        members.map((i) => images[i]!),
        "int32",
      )
      return cropAndResize(edged, tf.tensor2d(grid, [members.length, 4]), own, [size, size], points)
    })
  })
}

interface Span {
  /** In cells, as float32 like torchvision's, so that both count the same points. */
  readonly start: number
  readonly length: number
}

/** Where a region lies along one axis; `at` is the place of its lower edge in `boxes`. */
function spanOf(boxes: Float32Array, at: number, stride: number, aligned: boolean): Span {
  const [start, end] = [boxes[at]!, boxes[at + 2]!].map((edge) => Math.fround(edge / stride - (aligned ? 0.5 : 0)))
  const length = Math.fround(end! - start!)
  return { start: start!, length: aligned ? length : Math.max(length, 1) }
}

const pointsWithin = (length: number, size: number): number => Math.max(0, Math.ceil(Math.fround(length / size)))

function repeatEdge(features: tf.Tensor4D): tf.Tensor4D {
  const [n, height, width, channels] = features.shape
  const row = (y: number) => tf.slice(features, [0, y, 0, 0], [n, 1, width, channels])
  const tall = tf.concat([row(0), features, row(height - 1)], 1)
  const column = (x: number) => tf.slice(tall, [0, 0, x, 0], [n, height + 2, 1, channels])
  return tf.concat([column(0), tall, column(width - 1)], 2)
}
