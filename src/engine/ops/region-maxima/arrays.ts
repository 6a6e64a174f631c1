import * as tf from "@tensorflow/tfjs-core"
import type { RegionBins, RegionMaxima } from "./region-maxima.js"

/** Region pooling in plain arrays. */
export const arrays: RegionMaxima = {
  forward(map, images, bins) {
    const { values, cells } = largest(map.dataSync<"float32">(), map.shape, images, bins)
    const side = bins.rows.length / images.length / 2
    const shape: tf.Tensor4D["shape"] = [images.length, side, side, map.shape[3]]
    return { values: tf.tensor4d(values, shape), saved: [tf.tensor4d(cells, shape, "int32")] }
  },
  gradient: (dy, [cells], { shape }) =>
    tf.tensor4d(scattered(dy.dataSync<"float32">(), cells!.dataSync<"int32">(), shape), shape),
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
