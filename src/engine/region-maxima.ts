import * as tf from "@tensorflow/tfjs-core"
import { webGpuMaxima, webGpuMaximaGradient } from "./webgpu-region-maxima.js"

/** The cells of R regions' bins along both axes: `[R * bins * 2]`, each bin's first and the one behind its last. */
export interface RegionBins {
  readonly rows: Int32Array
  readonly columns: Int32Array
}

/**
 * The largest value of each bin of each region, channel by channel, 0 where a bin has no cell. The gradient goes to that
 * value, of equal ones to the first in reading order. None of the engines has such an operation: it is done in
 * plain arrays, and by shaders of ours on WebGPU.
 * @param features `[N, H, W, C]` float32
 * @param images `[R]` which of the N maps a region is in
 * @param bins within the maps, as many of one region down as across
 * @returns `[R, bins, bins, C]` float32
 */
export function regionMaxima(features: tf.Tensor4D, images: Int32Array, bins: RegionBins): tf.Tensor4D {
  const { shape } = features
  const side = bins.rows.length / images.length / 2
  const pooled: tf.Tensor4D["shape"] = [images.length, side, side, shape[3]]
  if (tf.getBackend() === "webgpu") return onWebGpu(features, images, bins, side)
  const maxima = tf.customGrad((map, save) => {
    const { values, cells } = largest((map as tf.Tensor4D).dataSync<"float32">(), shape, images, bins)
    ;(save as tf.GradSaveFunc)([tf.tensor4d(cells, pooled, "int32")])
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      tf.tensor4d(scattered(dy.dataSync<"float32">(), saved[0]!.dataSync<"int32">(), shape), shape)
    return { value: tf.tensor4d(values, pooled), gradFunc }
  })
  return maxima(features) as tf.Tensor4D
}

function onWebGpu(features: tf.Tensor4D, images: Int32Array, bins: RegionBins, side: number): tf.Tensor4D {
  const ranges = (cells: Int32Array) => tf.tensor3d(cells, [images.length, side, 2], "int32")
  const maxima = tf.customGrad((map, save) => {
    const own = { rows: ranges(bins.rows), columns: ranges(bins.columns) }
    const whose = tf.tensor1d(images, "int32")
    const { values, cells } = webGpuMaxima(map as tf.Tensor4D, whose, own)
    ;(save as tf.GradSaveFunc)([cells, whose, own.rows, own.columns])
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [cells, whose, rows, columns] = saved as [tf.Tensor4D, tf.Tensor1D, tf.Tensor3D, tf.Tensor3D]
      return webGpuMaximaGradient(dy as tf.Tensor4D, cells, whose, { rows, columns }, features.shape)
    }
    return { value: values, gradFunc }
  })
  return maxima(features) as tf.Tensor4D
}

type MapShape = readonly [images: number, height: number, width: number, channels: number]

/** The largest values, and the cell of each counted over all maps; -1 where there is none. */
function largest(
  map: Float32Array,
  [, height, width, channels]: MapShape,
  images: Int32Array,
  { rows, columns }: RegionBins,
) {
  const bins = rows.length / images.length / 2
  const values = new Float32Array(images.length * bins * bins * channels)
  const cells = new Int32Array(values.length).fill(-1)
  let to = 0
  for (let region = 0; region < images.length; region++) {
    const from = 2 * bins * region
    for (let i = 0; i < bins; i++) {
      const [top, bottom] = [rows[from + 2 * i]!, rows[from + 2 * i + 1]!]
      for (let j = 0; j < bins; j++, to += channels) {
        const [left, right] = [columns[from + 2 * j]!, columns[from + 2 * j + 1]!]
        for (let row = top; row < bottom; row++) {
          const line = (images[region]! * height + row) * width
          for (let cell = line + left; cell < line + right; cell++) {
            if (row === top && cell === line + left) {
              values.set(map.subarray(cell * channels, (cell + 1) * channels), to)
              cells.fill(cell, to, to + channels)
            } else raise(values, cells, to, map, cell, channels)
          }
        }
      }
    }
  }
  return { values, cells }
}

/** Puts what is larger in `cell` in the place of a bin's values. */
function raise(values: Float32Array, cells: Int32Array, to: number, map: Float32Array, cell: number, channels: number) {
  const from = cell * channels
  for (let k = 0; k < channels; k++) {
    const value = map[from + k]!
    if (value > values[to + k]!) {
      values[to + k] = value
      cells[to + k] = cell
    }
  }
}

/** Each gradient added at the cell its value came from. */
function scattered(dy: Float32Array, cells: Int32Array, [images, height, width, channels]: MapShape): Float32Array {
  const dx = new Float32Array(images * height * width * channels)
  for (let at = 0; at < dy.length; at++) {
    const cell = cells[at]!
    if (cell >= 0) dx[cell * channels + (at % channels)]! += dy[at]!
  }
  return dx
}
