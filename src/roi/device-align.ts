import * as tf from "@tensorflow/tfjs-core"
import { gatherOnDevice } from "../engine/ops/gather-on-device.js"
import { type Chunk, rowChunks, sliceRows } from "../engine/row-chunks.js"
import type { RoiAlignOptions } from "./align.js"

/** How many numbers a region is on the device: x1, y1, x2, y2 in input pixels, its image, its level. */
export const numbersOfRegion = 6

/**
 * RoIAlign of all levels at once, by where regions are as values on the device: nothing but shapes is known of them, so that it
 * can be recorded, and the same work serves however regions fall on levels. Each bin is a weighted sum of cells, four for each
 * of its points; the gradient adds them up in a fixed order.
 * @param levels `[N, H, W, C]`, finest first
 * @param regions `[R, 6]`, see `numbersOfRegion`; R of 1 or more
 * @param strides input pixels per cell of each level
 * @param options with a `samplingRatio` of 1 or more: 0 makes shapes that depend on the regions
 * @returns `[R, size, size, C]`
 */
export function alignOnDevice(
  levels: readonly tf.Tensor4D[],
  regions: tf.Tensor2D,
  strides: readonly number[],
  options: RoiAlignOptions,
): tf.Tensor4D {
  const { size } = options
  const grid = gridOf(levels, strides)
  return tf.tidy(() => {
    const rows = tf.concat(levels.map((level) => tf.reshape(level, [-1, level.shape[3]]) as tf.Tensor2D))
    const align = tf.customGrad((cells, save) => {
      ;(save as tf.GradSaveFunc)([regions])
      return {
        value: weightedSums(cells as tf.Tensor2D, shares(regions, grid, options)),
        gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
          spreadOut(dy as tf.Tensor2D, shares(saved as tf.Tensor2D, grid, options), rows.shape[0]),
      }
    })
    return tf.reshape(align(rows), [regions.shape[0], size, size, rows.shape[1]])
  })
}

/** What is known of each level: `[L, 4]` input pixels per cell, rows and columns of cells, the place of its first cell in the list. */
function gridOf(levels: readonly tf.Tensor4D[], strides: readonly number[]): number[][] {
  let start = 0
  return levels.map(({ shape: [count, height, width] }, level) => {
    const own = [strides[level]!, height, width, start]
    start += count * height * width
    return own
  })
}

/** Of each of B bins the K cells that it is made of `[B, K]` int32, and how much each counts. */
interface Shares {
  readonly cells: tf.Tensor2D
  readonly weights: tf.Tensor2D
}

function shares(regions: tf.Tensor2D, grid: readonly (readonly number[])[], options: RoiAlignOptions): Shares {
  return tf.tidy(() => {
    const [x1, y1, x2, y2, image, level] = tf.split(regions, numbersOfRegion, 1) as tf.Tensor[]
    const own = gatherOnDevice(tf.tensor2d(grid.flat(), [grid.length, 4]), tf.cast(tf.squeeze(level!, [1]), "int32"))
    const [stride, height, width, first] = tf.split(own, 4, 1) as tf.Tensor[]
    const [down, across] = [
      alongAxis(tf.div(y1!, stride!), tf.div(y2!, stride!), height!, options),
      alongAxis(tf.div(x1!, stride!), tf.div(x2!, stride!), width!, options),
    ]
    // Places are float32, exact below 2^24: GPUs have no arithmetic of int32.
    const start = tf.add(first!, tf.mul(image!, tf.mul(height!, width!)))
    const rows = tf.add(tf.expandDims(start, 2), tf.expandDims(tf.mul(down.cells, width!), 2))
    const cells = tf.cast(tf.add(rows, tf.expandDims(across.cells, 1)), "int32")
    const weights = tf.mul(tf.expandDims(down.weights, 2), tf.expandDims(across.weights, 1))
    return { cells: byBins(cells, options), weights: byBins(weights, options) } as unknown as tf.NamedTensorMap
  }) as unknown as Shares
}

/** The cells on both sides of each point `[R, 2 * size * samplingRatio]` along one axis, and how much each counts in its bin. */
function alongAxis(
  from: tf.Tensor,
  to: tf.Tensor,
  cells: tf.Tensor,
  { size, samplingRatio, aligned }: RoiAlignOptions,
) {
  const points = size * samplingRatio
  const [start, end] = aligned ? [tf.sub(from, 0.5), tf.sub(to, 0.5)] : [from, to]
  const extent = tf.sub(end, start)
  const length = aligned ? extent : tf.maximum(extent, 1)
  const centres = tf.tensor2d(
    Array.from({ length: points }, (_, point) => (point + 0.5) / points),
    [1, points],
  )
  const at = tf.add(start, tf.mul(length, centres))
  const last = tf.sub(cells, 1)
  // Points up to a cell beyond the map have its edge's value, others 0, as torchvision's.
  const isInside = tf.logicalAnd(tf.greaterEqual(at, -1), tf.lessEqual(at, cells))
  const share = tf.div(tf.cast(isInside, "float32"), samplingRatio)
  const within = tf.minimum(tf.maximum(at, 0), last)
  const low = tf.floor(within)
  const beyond = tf.sub(within, low)
  const high = tf.minimum(tf.add(low, 1), last)
  const both = (first: tf.Tensor, second: tf.Tensor) =>
    tf.reshape(tf.stack([first, second], 2), [first.shape[0]!, 2 * points])
  return { cells: both(low, high), weights: both(tf.mul(tf.sub(1, beyond), share), tf.mul(beyond, share)) }
}

/** `[R, 2 * size * samplingRatio, the same]` as `[R * size * size, K]`. */
function byBins(values: tf.Tensor, { size, samplingRatio }: RoiAlignOptions): tf.Tensor2D {
  const [count, each] = [values.shape[0]!, 2 * samplingRatio]
  const parted = tf.transpose(tf.reshape(values, [count, size, each, size, each]), [0, 1, 3, 2, 4])
  return tf.reshape(parted, [count * size * size, each * each])
}

/** At most so many values of cells at once, about 256 MB. */
const valuesAtOnce = 2 ** 26

/** `[B, C]` out of the cells `[M, C]`, some bins at a time. */
function weightedSums(cells: tf.Tensor2D, { cells: places, weights }: Shares): tf.Tensor2D {
  const [[bins, each], channels] = [places.shape, cells.shape[1]]
  const part = (chunk: Chunk) =>
    tf.tidy(() => {
      const own = gatherOnDevice(cells, tf.reshape(sliceRows(places, chunk), [-1]))
      const each3d = tf.reshape(own, [chunk.count, each, channels])
      return tf.sum(tf.mul(each3d, tf.expandDims(sliceRows(weights, chunk), 2)), 1) as tf.Tensor2D
    })
  return tf.tidy(() => tf.concat(rowChunks(bins, Math.floor(valuesAtOnce / (each * channels))).map(part)))
}

/** The gradient of `weightedSums` for its `count` cells, some channels at a time. */
function spreadOut(dy: tf.Tensor2D, { cells, weights }: Shares, count: number): tf.Tensor2D {
  const [[bins, each], channels] = [cells.shape, dy.shape[1]]
  const places = tf.reshape(cells, [-1]) as tf.Tensor1D
  const part = ({ from, count: some }: Chunk) =>
    tf.tidy(() => {
      const own = tf.expandDims(tf.slice(dy, [0, from], [bins, some]), 1)
      const spread = tf.reshape(tf.mul(own, tf.expandDims(weights, 2)), [bins * each, some])
      return tf.unsortedSegmentSum(spread, places, count) as tf.Tensor2D
    })
  return tf.tidy(() => tf.concat(rowChunks(channels, Math.floor(valuesAtOnce / (bins * each))).map(part), 1))
}
