import * as tf from "@tensorflow/tfjs-core"
import { smoothL1 } from "../core/losses.js"
import { oneOf, positive, type Rule, withDefaults } from "../core/options.js"
import type { Boxes } from "./boxes.js"
import { type CoderWeights, maxLogScale } from "./coder.js"

export interface BoxLossOptions {
  /** `smooth_l1` and `l1` compare deltas; `giou` compares the boxes that they make. */
  readonly type: "smooth_l1" | "l1" | "giou"
  /** Where smooth L1 turns from square to straight. */
  readonly beta: number
  /** What the loss is multiplied with. */
  readonly weight: number
}

/**
 * @source torchvision, RPN and head: smooth L1 with beta 1/9 (py-faster-rcnn's sigma 3; Fast R-CNN itself has 1). The
 * choices are detectron2's BBOX_REG_LOSS_TYPE, SMOOTH_L1_BETA and BBOX_REG_LOSS_WEIGHT
 */
export const boxLossDefaults: BoxLossOptions = { type: "smooth_l1", beta: 1 / 9, weight: 1 }

const notNegative: Rule = (value) => (value === 0 ? undefined : positive(value) && "a number, 0 or more")

/** @throws UsageError for an unknown option or a value out of range, under the name `place` */
export const boxLossOptions = (place: string, overrides: Partial<BoxLossOptions> = {}): BoxLossOptions =>
  withDefaults(place, boxLossDefaults, overrides, {
    type: oneOf("smooth_l1", "l1", "giou"),
    beta: notNegative,
    weight: notNegative,
  })

/** What R deltas should have been, in three ways; `[R, 4]` each, boxes x1, y1, x2, y2 in one frame. */
export interface BoxTargets {
  /** `[R]` how much each counts: 1, or 0 for one that has no goal. */
  readonly counts: tf.Tensor1D
  readonly deltas: tf.Tensor2D
  /** The boxes that the deltas move. */
  readonly references: tf.Tensor2D
  /** Where they should have come. */
  readonly truths: tf.Tensor2D
}

/** The targets as a list, which `boxTargetsOf` takes apart. */
export const tensorsOfTargets = ({ counts, deltas, references, truths }: BoxTargets): tf.Tensor[] => [
  counts,
  deltas,
  references,
  truths,
]

export function boxTargetsOf(list: readonly tf.Tensor[]): BoxTargets {
  const [counts, ...boxes] = list as [tf.Tensor1D, ...tf.Tensor2D[]]
  const [deltas, references, truths] = boxes as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
  return { counts, deltas, references, truths }
}

/** Goals as arrays: those of R rows at `rows`, `[F * 4]` each; the other rows have none. */
export interface BoxGoals {
  readonly rows: readonly number[]
  readonly deltas: Float32Array
  readonly references: Boxes
  readonly truths: Boxes
}

/** @param count R */
export function boxTargets({ rows, ...goals }: BoxGoals, count: number): BoxTargets {
  const counts = new Float32Array(count)
  for (const row of rows) counts[row] = 1
  return {
    counts: tf.tensor1d(counts),
    deltas: spreadRows(goals.deltas, rows, count),
    references: spreadRows(goals.references, rows, count),
    truths: spreadRows(goals.truths, rows, count),
  }
}

/** Values of some rows `[F * 4]` at their places among R rows, of which the others are 0. @param count R */
export function spreadRows(values: ArrayLike<number>, rows: readonly number[], count: number): tf.Tensor2D {
  const all = new Float32Array(4 * count)
  for (const [i, row] of rows.entries()) for (let k = 0; k < 4; k++) all[4 * row + k] = values[4 * i + k]!
  return tf.tensor2d(all, [count, 4])
}

/**
 * How far R deltas are from their goals, summed.
 * @param predictions `[R, 4]` dx, dy, dw, dh
 * @param coder what the deltas are multiplied with
 * @returns a scalar
 */
export function boxLoss(
  predictions: tf.Tensor2D,
  { counts, deltas, references, truths }: BoxTargets,
  coder: CoderWeights,
  { type, beta, weight }: BoxLossOptions,
): tf.Scalar {
  if (predictions.shape[0] === 0) return tf.scalar(0)
  const losses =
    type === "giou"
      ? giouLoss(decode(predictions, references, coder), corners(truths))
      : smoothL1(predictions, deltas, type === "l1" ? 0 : beta)
  return tf.mul(tf.sum(tf.mul(losses, tf.reshape(counts, [-1, 1]))), weight)
}

/** x1, y1, x2, y2 of R boxes, `[R, 1]` each. */
type Corners = readonly [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]

/**
 * 1 less the generalised IoU of each box with its truth, `[R, 1]`: the IoU less the share of the smallest box around both
 * that neither fills.
 * @source Rezatofighi et al. 2019; torchvision `generalized_box_iou_loss`, its epsilon too
 */
function giouLoss(boxes: Corners, truths: Corners): tf.Tensor {
  const [x1, y1, x2, y2] = boxes
  const [u1, v1, u2, v2] = truths
  const area = (left: tf.Tensor, top: tf.Tensor, right: tf.Tensor, bottom: tf.Tensor) =>
    tf.mul(tf.sub(right, left), tf.sub(bottom, top))
  const shared = tf.mul(
    tf.relu(tf.sub(tf.minimum(x2, u2), tf.maximum(x1, u1))),
    tf.relu(tf.sub(tf.minimum(y2, v2), tf.maximum(y1, v1))),
  )
  const union = tf.sub(tf.add(area(...boxes), area(...truths)), shared)
  const around = area(tf.minimum(x1, u1), tf.minimum(y1, v1), tf.maximum(x2, u2), tf.maximum(y2, v2))
  const overlap = tf.div(shared, tf.add(union, giouEpsilon))
  return tf.add(tf.sub(1, overlap), tf.div(tf.sub(around, union), tf.add(around, giouEpsilon)))
}

const giouEpsilon = 1e-7

/** `decodeBoxes` on the tape. */
function decode(deltas: tf.Tensor2D, references: tf.Tensor2D, coder: CoderWeights): Corners {
  const [dx, dy, dw, dh] = tf.split(deltas, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
  const [x1, y1, x2, y2] = corners(references)
  const along = (low: tf.Tensor, high: tf.Tensor, move: tf.Tensor, stretch: tf.Tensor, by: number, growth: number) => {
    const side = tf.sub(high, low)
    const centre = tf.add(tf.add(low, tf.div(side, 2)), tf.mul(tf.div(move, by), side))
    const half = tf.mul(tf.div(side, 2), tf.exp(tf.minimum(tf.div(stretch, growth), maxLogScale)))
    return [tf.sub(centre, half), tf.add(centre, half)] as const
  }
  const [left, right] = along(x1, x2, dx, dw, coder.x, coder.width)
  const [top, bottom] = along(y1, y2, dy, dh, coder.y, coder.height)
  return [left, top, right, bottom]
}

function corners(boxes: tf.Tensor2D): Corners {
  return tf.split(boxes, 4, 1) as unknown as Corners
}
