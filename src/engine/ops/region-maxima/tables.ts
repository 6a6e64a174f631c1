import * as tf from "@tensorflow/tfjs-core"
import { gatherOnDevice } from "../gather-on-device.js"
import type { Pooled, RegionBins, RegionMaxima } from "./region-maxima.js"

/**
 * Region pooling by operations that TensorFlow has for GPUs, so that neither maps nor gradients pass through JavaScript.
 * The maximum of any rectangle is the maximum of four windows in its corners, which may overlap, with sides that are powers
 * of two. So tables are made of the maxima of all such windows, by doubling, and each bin looks up four values. For the
 * gradient the tables also hold where each maximum is.
 */
export const tables: RegionMaxima = {
  forward(map, images, bins) {
    const { lookups, order } = planLookups({ shape: map.shape, images, bins })
    const sent = [order, ...lookups.map(({ windows }) => windows)].map((rows) => tf.tensor1d(rows, "int32"))
    const side = bins.rows.length / images.length / 2
    const channels = map.shape[3]
    const values = tf.tidy(() => {
      const found = lookUp(lookups, sent.slice(1), { values: map }, ({ values }) => tf.max(inCorners(values), 0))
      const inOrder = gatherOnDevice(tf.concat([...found, tf.zeros([1, channels])]), sent[0]!)
      return tf.reshape(inOrder, [images.length, side, side, channels]) as tf.Tensor4D
    })
    return { values, saved: [map, ...sent] }
  },
  gradient(dy, saved, pooled) {
    const [map, order, ...windows] = saved as [tf.Tensor4D, tf.Tensor, ...tf.Tensor[]]
    const { lookups } = planLookups(pooled)
    const [count, height, width, channels] = pooled.shape
    const cells = count * height * width
    // Places are counted in float32, which is exact up to 2^24: of large maps some channels at a time.
    const atOnce = Math.max(1, Math.floor(exactIntegers / cells))
    return tf.tidy(() => {
      const parts = []
      for (let from = 0; from < channels; from += atOnce) {
        const some = (x: tf.Tensor4D) => tf.slice(x, [0, 0, 0, from], [-1, -1, -1, Math.min(atOnce, channels - from)])
        parts.push(tf.tidy(() => gradientOf(some(dy), some(map), lookups, order, windows)))
      }
      return tf.concat(parts, 3)
    })
  },
}

const exactIntegers = 2 ** 24

function gradientOf(
  dy: tf.Tensor4D,
  map: tf.Tensor4D,
  lookups: readonly Lookup[],
  order: tf.Tensor,
  windows: readonly tf.Tensor[],
): tf.Tensor4D {
  const [count, height, width, channels] = map.shape
  const cells = tf.reshape(tf.range(0, count * height * width), [count, height, width, 1])
  const found = lookUp(lookups, windows, { values: map, cells }, ({ values, cells }) => {
    const own = inCorners(values)
    // Of the windows that hold the maximum, the one that has it first.
    return tf.min(tf.where(tf.equal(own, tf.max(own, 0)), inCorners(cells!), Number.MAX_SAFE_INTEGER), 0)
  })
  const cell = gatherOnDevice(tf.concat([...found, tf.fill([1, channels], -1)]), order)
  // Below 0 without a cell, also with the channel added: those take no part.
  const place = tf.cast(tf.add(tf.mul(cell, channels), tf.range(0, channels)), "int32")
  const sums = tf.unsortedSegmentSum(tf.reshape(dy, [-1]), tf.reshape(place, [-1]) as tf.Tensor1D, map.size)
  return tf.reshape(sums, map.shape)
}

/** What is looked up for the bins of one table. */
interface Lookup {
  /** Windows of `2 ** down` rows and `2 ** across` columns. */
  readonly down: number
  readonly across: number
  /** `[4 * B]` rows of the table: of all its bins the upper left window, then the upper right, lower left and lower right ones. */
  readonly windows: Int32Array
}

interface Plan {
  readonly lookups: readonly Lookup[]
  /** Of each bin its place among those of all lookups; the place behind them for a bin without a cell. */
  readonly order: Int32Array
}

/** The largest windows that fit into each bin, and where they stand. */
function planLookups({ shape: [, height, width], images, bins }: Pooled): Plan {
  const side = bins.rows.length / images.length / 2
  const groups = new Map<number, number[]>()
  for (let bin = 0; bin < images.length * side * side; bin++) {
    const { top, bottom, left, right } = rectangle(bins, side, bin)
    if (bottom <= top || right <= left) continue
    const table = 32 * log2(bottom - top) + log2(right - left)
    const members = groups.get(table)
    if (members) members.push(bin)
    else groups.set(table, [bin])
  }
  const order = new Int32Array(images.length * side * side).fill(-1)
  let place = 0
  const lookups = [...groups].map(([table, members]) => {
    const [down, across] = [table >> 5, table & 31]
    // A window stands at as many places as its table has rows and columns.
    const [rows, columns] = [height - 2 ** down + 1, width - 2 ** across + 1]
    const windows = new Int32Array(4 * members.length)
    for (const [i, bin] of members.entries()) {
      order[bin] = place++
      const { top, bottom, left, right } = rectangle(bins, side, bin)
      const image = images[Math.floor(bin / side / side)]!
      const at = (row: number, column: number) => (image * rows + row) * columns + column
      const [lower, further] = [bottom - 2 ** down, right - 2 ** across]
      for (const [corner, window] of [at(top, left), at(top, further), at(lower, left), at(lower, further)].entries()) {
        windows[corner * members.length + i] = window
      }
    }
    return { down, across, windows }
  })
  return { lookups, order: order.map((own) => (own < 0 ? place : own)) }
}

function rectangle({ rows, columns }: RegionBins, side: number, bin: number) {
  const region = Math.floor(bin / side / side)
  const row = 2 * (region * side + (Math.floor(bin / side) % side))
  const column = 2 * (region * side + (bin % side))
  return { top: rows[row]!, bottom: rows[row + 1]!, left: columns[column]!, right: columns[column + 1]! }
}

const log2 = (cells: number): number => 31 - Math.clz32(cells)

/** The maxima of windows `[N, H', W', C]`, and which cell of the maps, counted over all, each is in: `[N, H', W', C or 1]`. */
interface Table {
  readonly values: tf.Tensor
  readonly cells?: tf.Tensor
}

/**
 * Makes the tables that a plan asks for, one after the other, and looks up.
 * @param windows of each lookup, as tensors
 * @param map windows of one cell
 * @param use gets `[4 * B, C]`, the rows that a lookup asks for
 * @returns what `use` made of each lookup
 */
function lookUp(
  lookups: readonly Lookup[],
  windows: readonly tf.Tensor[],
  map: Table,
  use: (found: Table) => tf.Tensor,
): tf.Tensor[] {
  const results = new Map<Lookup, tf.Tensor>()
  const most = (axis: "down" | "across") => Math.max(...lookups.map((lookup) => lookup[axis]))
  let tall = map
  for (let down = 0; down <= most("down"); down++) {
    if (down > 0) tall = replaced(tall, doubled(tall, 1, 2 ** (down - 1)), map)
    const ofHeight = lookups.filter((lookup) => lookup.down === down)
    let wide = tall
    for (let across = 0; across <= Math.max(...ofHeight.map((lookup) => lookup.across)); across++) {
      if (across > 0) wide = replaced(wide, doubled(wide, 2, 2 ** (across - 1)), tall)
      const lookup = ofHeight.find((one) => one.across === across)
      if (lookup === undefined) continue
      const own = windows[lookups.indexOf(lookup)]!
      const rows = (table: tf.Tensor) => gatherOnDevice(tf.reshape(table, [-1, table.shape[3]!]), own)
      results.set(
        lookup,
        tf.tidy(() => use({ values: rows(wide.values), ...(wide.cells && { cells: rows(wide.cells) }) })),
      )
    }
    if (wide !== tall) tf.dispose(Object.values(wide))
  }
  return lookups.map((lookup) => results.get(lookup)!)
}

/** The table that comes after another one, which is let go of unless it is still `needed`. */
function replaced(table: Table, next: Table, needed: Table): Table {
  if (table !== needed) tf.dispose(Object.values(table))
  return next
}

/** Windows twice as long along an axis: each joins two of `length` cells. */
const doubled = (table: Table, axis: 1 | 2, length: number): Table =>
  tf.tidy(() => joined(table, axis, length) as unknown as tf.NamedTensorMap) as unknown as Table

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

/** `[4 * B, C]` as `[4, B, C]`. */
const inCorners = (rows: tf.Tensor): tf.Tensor => tf.reshape(rows, [4, -1, rows.shape[1]!])
