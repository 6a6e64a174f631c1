import * as tf from "@tensorflow/tfjs-core"
import { gatherOnDevice } from "../gather-on-device.js"
import type { RegionMaxima } from "./region-maxima.js"

/** The bins of R regions as values on the device, cells as float32: each bin's first and the one behind its last. */
export interface DeviceBins {
  /** `[R, 1]` which of the N maps a region is in. */
  readonly images: tf.Tensor2D
  /** `[R, bins, 2]`, within the map. */
  readonly rows: tf.Tensor3D
  readonly columns: tf.Tensor3D
}

/** How long a bin may be along both axes, as a logarithm: at most `2 ** (down + 1)` rows less one, and columns. */
export interface LongestBin {
  readonly down: number
  readonly across: number
}

/** The logarithm for bins of so many cells. */
export const logOf = (cells: number): number => (cells < 2 ? 0 : 31 - Math.clz32(cells))

/** Region pooling by `maximaOnDevice`. */
export const tables: RegionMaxima = {
  forward(map, images, bins) {
    const { own, longest } = sentBins(images, bins)
    const saved = [map, own.images, own.rows, own.columns]
    return { values: maxima(map, own, longest), saved }
  },
  gradient(dy, [map, images, rows, columns], given) {
    const own = { images, rows, columns } as DeviceBins
    return gradient(dy, map as tf.Tensor4D, own, longestOf(given.bins))
  },
}

/**
 * As `regionMaxima`, of bins as values on the device: nothing but shapes is known of them, so that it can be recorded. It takes
 * operations that TensorFlow has for GPUs: the maximum of any rectangle is the maximum of four windows in its corners, which may
 * overlap, with sides that are powers of two. So tables are made of the maxima of all such windows, by doubling, and each bin
 * looks up four values. For the gradient the tables also hold where each maximum is.
 * @param longest of all bins; a longer one is looked up in part
 */
export function maximaOnDevice(features: tf.Tensor4D, bins: DeviceBins, longest: LongestBin): tf.Tensor4D {
  const made = tf.customGrad((map, save) => {
    ;(save as tf.GradSaveFunc)([map as tf.Tensor, bins.images, bins.rows, bins.columns])
    return {
      value: maxima(map as tf.Tensor4D, bins, longest),
      gradFunc: (dy: tf.Tensor, [saved, images, rows, columns]: tf.Tensor[]) =>
        gradient(dy as tf.Tensor4D, saved as tf.Tensor4D, { images, rows, columns } as DeviceBins, longest),
    }
  })
  return made(features) as tf.Tensor4D
}

type Bins = Parameters<RegionMaxima["forward"]>[2]

function sentBins(images: Int32Array, bins: Bins) {
  const count = images.length
  const axis = (cells: Int32Array) => tf.tensor3d(Float32Array.from(cells), [count, cells.length / count / 2, 2])
  const own: DeviceBins = {
    images: tf.tensor2d(Float32Array.from(images), [count, 1]),
    rows: axis(bins.rows),
    columns: axis(bins.columns),
  }
  return { own, longest: longestOf(bins) }
}

function longestOf({ rows, columns }: Bins): LongestBin {
  const most = (cells: Int32Array) =>
    cells.reduce((most, first, at) => (at % 2 === 0 ? Math.max(most, cells[at + 1]! - first) : most), 0)
  return { down: logOf(most(rows)), across: logOf(most(columns)) }
}

function maxima(map: tf.Tensor4D, bins: DeviceBins, longest: LongestBin): tf.Tensor4D {
  const [, side] = bins.rows.shape
  const channels = map.shape[3]
  return tf.tidy(() => {
    const all = tablesOf({ values: map }, longest).map(({ values }) => rowsOf(values))
    const found = gatherOnDevice(tf.concat([...all, tf.zeros([1, channels])]), windowsOf(bins, map.shape, longest))
    return tf.reshape(tf.max(inCorners(found), 0), [bins.rows.shape[0], side, side, channels])
  })
}

function gradient(dy: tf.Tensor4D, map: tf.Tensor4D, bins: DeviceBins, longest: LongestBin): tf.Tensor4D {
  const [count, height, width, channels] = map.shape
  // Places are counted in float32, which is exact up to 2^24: of large maps some channels at a time.
  const atOnce = Math.max(1, Math.floor(exactIntegers / (count * height * width)))
  return tf.tidy(() => {
    const windows = windowsOf(bins, map.shape, longest)
    const parts: tf.Tensor4D[] = []
    for (let from = 0; from < channels; from += atOnce) {
      const some = (x: tf.Tensor4D) => tf.slice(x, [0, 0, 0, from], [-1, -1, -1, Math.min(atOnce, channels - from)])
      parts.push(tf.tidy(() => gradientOf(some(dy), some(map), windows, longest)))
    }
    return tf.concat(parts, 3)
  })
}

const exactIntegers = 2 ** 24

function gradientOf(dy: tf.Tensor4D, map: tf.Tensor4D, windows: tf.Tensor1D, longest: LongestBin): tf.Tensor4D {
  const [count, height, width, channels] = map.shape
  const ofMap = tf.reshape(tf.range(0, count * height * width), [count, height, width, 1])
  const all = tablesOf({ values: map, cells: ofMap }, longest)
  const of = (lists: tf.Tensor[], none: number) =>
    inCorners(gatherOnDevice(tf.concat([...lists.map(rowsOf), tf.fill([1, channels], none)]), windows))
  const values = of(
    all.map(({ values }) => values),
    0,
  )
  // One cell serves all channels of the map itself; of its windows each channel has its own.
  const cells = of(
    all.map(({ cells }) => tf.broadcastTo(cells!, [...cells!.shape.slice(0, 3), channels])),
    -1,
  )
  // Of the windows that hold the maximum, the one that has it first.
  const cell = tf.min(tf.where(tf.equal(values, tf.max(values, 0)), cells, Number.MAX_SAFE_INTEGER), 0)
  // Below 0 without a cell, also with the channel added: those take no part.
  const place = tf.cast(tf.add(tf.mul(cell, channels), tf.range(0, channels)), "int32")
  const sums = tf.unsortedSegmentSum(tf.reshape(dy, [-1]), tf.reshape(place, [-1]) as tf.Tensor1D, map.size)
  return tf.reshape(sums, map.shape)
}

/**
 * Which rows of all tables the bins look up, `[4 * B]` int32: of all bins the upper left window, then the upper right, lower
 * left and lower right ones; of a bin without a cell the row behind all tables. Whole numbers in float32, exact below 2^24.
 */
function windowsOf(
  { images, rows, columns }: DeviceBins,
  shape: tf.Tensor4D["shape"],
  longest: LongestBin,
): tf.Tensor1D {
  const { table, behind } = planOf(shape, longest)
  return tf.tidy(() => {
    const [ofRows, ofColumns] = [alongAxis(rows, longest.down), alongAxis(columns, longest.across)]
    const [down, across] = [tf.expandDims(ofRows.log, 2), tf.expandDims(ofColumns.log, 1)]
    const which = tf.cast(tf.add(tf.mul(down, longest.across + 1), across), "int32")
    const own = gatherOnDevice(tf.tensor2d(table.flat(), [table.length, 3]), tf.reshape(which, [-1]))
    const [start, high, wide] = tf.split(own, 3, 1).map((column) => tf.reshape(column, which.shape)) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ]
    const image = tf.reshape(images, [-1, 1, 1])
    const isThere = tf.logicalAnd(tf.expandDims(ofRows.isThere, 2), tf.expandDims(ofColumns.isThere, 1))
    const at = (row: tf.Tensor, column: tf.Tensor) => {
      const line = tf.add(tf.mul(image, high), tf.expandDims(row, 2))
      const place = tf.add(start, tf.add(tf.mul(line, wide), tf.expandDims(column, 1)))
      return tf.reshape(tf.where(isThere, place, behind), [-1])
    }
    const corners = [ofRows.first, ofRows.last].flatMap((row) =>
      [ofColumns.first, ofColumns.last].map((column) => at(row, column)),
    )
    return tf.cast(tf.concat(corners), "int32") as tf.Tensor1D
  })
}

/** Of each table, down by across: the row of its first window, how many windows stand below and beside each other; and all rows. */
function planOf([count, height, width]: tf.Tensor4D["shape"], { down, across }: LongestBin) {
  let behind = 0
  const table: number[][] = []
  for (let a = 0; a <= down; a++) {
    for (let b = 0; b <= across; b++) {
      const [rows, columns] = [Math.max(0, height - 2 ** a + 1), Math.max(0, width - 2 ** b + 1)]
      table.push([behind, rows, columns])
      behind += count * rows * columns
    }
  }
  return { table, behind }
}

/** Along one axis `[R, bins]`: the logarithm of the windows that cover a bin, where the first and the last begin, whether it has a cell. */
function alongAxis(cells: tf.Tensor3D, most: number) {
  const [start, end] = tf.split(cells, 2, 2).map((own) => tf.squeeze(own, [2])) as [tf.Tensor, tf.Tensor]
  const length = tf.sub(end, start)
  let [log, window]: [tf.Tensor, tf.Tensor] = [tf.zerosLike(length), tf.onesLike(length)]
  for (let power = 1; power <= most; power++) {
    const isLonger = tf.greaterEqual(length, 2 ** power)
    log = tf.add(log, tf.cast(isLonger, "float32"))
    window = tf.where(isLonger, 2 ** power, window)
  }
  return { log, first: start, last: tf.sub(end, window), isThere: tf.greater(length, 0) }
}

/** The maxima of windows `[N, H', W', C]`, and which cell of the maps, counted over all, each is in: `[N, H', W', C or 1]`. */
interface Table {
  readonly values: tf.Tensor
  readonly cells?: tf.Tensor
}

/** All tables in the order of `planOf`, without those that have no window. @param map windows of one cell */
function tablesOf(map: Table, { down, across }: LongestBin): Table[] {
  const all: Table[] = []
  let tall = map
  for (let a = 0; a <= down && 2 ** a <= map.values.shape[1]!; a++) {
    if (a > 0) tall = joined(tall, 1, 2 ** (a - 1))
    let wide = tall
    for (let b = 0; b <= across && 2 ** b <= map.values.shape[2]!; b++) {
      if (b > 0) wide = joined(wide, 2, 2 ** (b - 1))
      all.push(wide)
    }
  }
  return all
}

/** Windows twice as long along an axis: each joins two of `length` cells. */
function joined({ values, cells }: Table, axis: 1 | 2, length: number): Table {
  const halves = (table: tf.Tensor) => {
    const left = table.shape[axis]! - length
    const from = (start: number) => table.shape.map((_, k) => (k === axis ? start : 0))
    const size = table.shape.map((own, k) => (k === axis ? left : own))
    return [tf.slice(table, from(0), size), tf.slice(table, from(length), size)] as const
  }
  const [first, second] = halves(values)
  if (cells === undefined) return { values: tf.maximum(first, second) }
  const [early, late] = halves(cells)
  // Of equal values the first in reading order: across, it may be in either half.
  const ofEqual = tf.where(tf.equal(first, second), tf.minimum(early, late), early)
  return { values: tf.maximum(first, second), cells: tf.where(tf.greater(second, first), late, ofEqual) }
}

const rowsOf = (table: tf.Tensor): tf.Tensor2D => tf.reshape(table, [-1, table.shape[3]!])

/** `[4 * B, C]` as `[4, B, C]`. */
const inCorners = (rows: tf.Tensor): tf.Tensor => tf.reshape(rows, [4, -1, rows.shape[1]!])
