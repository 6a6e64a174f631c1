import * as tf from "@tensorflow/tfjs-core"
import { gatherOnDevice } from "../engine/ops/gather-on-device.js"
import type { MapSizes } from "./anchor-places.js"

/**
 * What `anchorPatches` finds, on the device: of an anchor its index is sent, 4 bytes, where its patch of one convolution would
 * take 144. Whole numbers in float32, exact below 2^24: GPUs have no arithmetic of int32.
 * @param sizes of the levels, finest first
 * @param perCell A, anchors at one cell
 * @param sampled `[N, P]` float32: as many anchors of each image, as in `anchorPatches`
 * @returns `[S]` int32, of each anchor its row among those of all sampled cells; between two convolutions `[S * 9^n, 1]` 1 for a
 *   cell that is within its map; then, of the finest maps and, where there are any, of the others: cells `[S * 9^depth]` int32,
 *   and 1 for one of these maps `[S * 9^depth, 1]`
 */
export function placesOnDevice(
  sizes: readonly MapSizes[],
  perCell: number,
  sampled: tf.Tensor2D,
  depth: number,
): tf.Tensor[] {
  return tf.tidy(() => {
    const found = gridPlaces(sizes, perCell, sampled)
    let { y, x } = found
    let inside: tf.Tensor = tf.onesLike(y)
    const between: tf.Tensor[] = []
    for (let n = depth - 1; n >= 0; n--) {
      ;({ y, x, inside } = neighboursOf({ y, x, inside }, found))
      if (n > 0) between.unshift(tf.reshape(inside, [-1, 1]))
    }
    const { image, height, width, start, isFinest, own } = found
    const cell = tf.add(start, tf.add(tf.mul(tf.add(tf.mul(image, height), y), width), x))
    const parts = [isFinest, ...(sizes.length > 1 ? [tf.sub(1, isFinest)] : [])].flatMap((isOwn) => {
      const counts = tf.mul(inside, isOwn)
      const cells = tf.where(tf.greater(counts, 0), cell, 0)
      return [tf.cast(tf.reshape(cells, [-1]), "int32"), tf.reshape(counts, [-1, 1])]
    })
    return [own, ...between, ...parts]
  })
}

/** Where S anchors are; all of `[S, 1]` but `own`. */
interface GridPlaces {
  readonly image: tf.Tensor
  readonly y: tf.Tensor
  readonly x: tf.Tensor
  /** Cells of its level down and across. */
  readonly height: tf.Tensor
  readonly width: tf.Tensor
  /** The level's first cell, in the finest maps or in the list of the others. */
  readonly start: tf.Tensor
  readonly isFinest: tf.Tensor
  readonly own: tf.Tensor
}

function gridPlaces(sizes: readonly MapSizes[], perCell: number, sampled: tf.Tensor2D): GridPlaces {
  const [images, perImage] = sampled.shape
  const index = tf.reshape(sampled, [-1, 1])
  let [anchors, cells] = [0, 0]
  const levels = sizes.map(([count, height, width], level) => {
    const own = [anchors, height, width, cells, level === 0 ? 1 : 0]
    anchors += height * width * perCell
    if (level > 0) cells += count * height * width
    return own
  })
  const level = levels
    .slice(1)
    .reduce<tf.Tensor>(
      (sum, [first]) => tf.add(sum, tf.cast(tf.greaterEqual(index, first!), "float32")),
      tf.zerosLike(index),
    )
  const table = tf.tensor2d(levels.flat(), [levels.length, 5])
  const known = gatherOnDevice(table, tf.cast(tf.squeeze(level, [1]), "int32"))
  const [first, height, width, start, isFinest] = tf.split(known, 5, 1) as [
    ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
  ]
  const within = tf.sub(index, first)
  const cell = wholes(within, perCell)
  const y = wholes(cell, width)
  const rows = tf.mul(tf.range(0, images * perImage), perCell)
  const own = tf.cast(tf.add(rows, tf.squeeze(tf.sub(within, tf.mul(cell, perCell)), [1])), "int32")
  const image = tf.reshape(tf.tile(tf.reshape(tf.range(0, images), [images, 1]), [1, perImage]), [-1, 1])
  return { image, y, x: tf.sub(cell, tf.mul(y, width)), height, width, start, isFinest, own }
}

/** Half a number is added so that no quotient is rounded across a whole one. */
const wholes = (numbers: tf.Tensor, by: tf.Tensor | number): tf.Tensor => tf.floor(tf.div(tf.add(numbers, 0.5), by))

/** Rows, columns and whether they are within their map, of S times M cells. */
interface Cells {
  readonly y: tf.Tensor
  readonly x: tf.Tensor
  readonly inside: tf.Tensor
}

/** The 3x3 cells around each: `[S, M]` to `[S, 9 * M]`, by rows. */
function neighboursOf({ y, x, inside }: Cells, { height, width }: Pick<GridPlaces, "height" | "width">): Cells {
  const steps = [-1, 0, 1]
  const around = (values: tf.Tensor, by: number[]) => {
    const all = tf.add(tf.expandDims(values, 2), tf.tensor3d(by, [1, 1, 9]))
    return tf.reshape(all, [values.shape[0]!, -1])
  }
  const down = around(
    y,
    steps.flatMap((step) => [step, step, step]),
  )
  const across = around(x, [...steps, ...steps, ...steps])
  const isWithin = (at: tf.Tensor, cells: tf.Tensor) => tf.logicalAnd(tf.greaterEqual(at, 0), tf.less(at, cells))
  const isThere = tf.cast(tf.logicalAnd(isWithin(down, height), isWithin(across, width)), "float32")
  return { y: down, x: across, inside: tf.mul(around(inside, new Array<number>(9).fill(0)), isThere) }
}
