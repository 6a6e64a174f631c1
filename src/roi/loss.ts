import * as tf from "@tensorflow/tfjs-core"
import {
  type BoxLossOptions,
  type BoxTargets,
  boxLoss,
  boxTargets,
  boxTargetsOf,
  tensorsOfTargets,
} from "../boxes/box-loss.js"
import { concatFloat32 } from "../boxes/boxes.js"
import { roiCoderWeights } from "../boxes/coder.js"
import { softmaxCrossEntropy } from "../core/losses.js"
import { takeRows } from "../engine/ops/take-rows.js"
import type { RoiOutputs } from "./head.js"
import type { RoiTargets } from "./targets.js"

/** What the R regions of all images should have been said of. */
export interface RegionGoals {
  /** `[R]` int32: 0..R-1, the image of each, 0 for background, else 1..K. */
  readonly rows: tf.Tensor1D
  readonly images: tf.Tensor1D
  readonly labels: tf.Tensor1D
  /** `[R]` 1 for a region that counts. */
  readonly counts: tf.Tensor1D
  /** How many count, 1 at least. */
  readonly number: tf.Scalar
  readonly boxes: BoxTargets
}

/** The goals as a list, which `regionGoalsOf` takes apart. */
export const tensorsOfRegionGoals = ({ rows, images, labels, counts, number, boxes }: RegionGoals): tf.Tensor[] => [
  rows,
  images,
  labels,
  counts,
  number,
  ...tensorsOfTargets(boxes),
]

export function regionGoalsOf([rows, images, labels, counts, number, ...boxes]: readonly tf.Tensor[]): RegionGoals {
  return {
    rows: rows as tf.Tensor1D,
    images: images as tf.Tensor1D,
    labels: labels as tf.Tensor1D,
    counts: counts as tf.Tensor1D,
    number: number as tf.Scalar,
    boxes: boxTargetsOf(boxes),
  }
}

/** @param perImage how many regions stand for each image, of which those of its targets come first, and count */
export function regionGoals(targets: readonly RoiTargets[], perImage: readonly number[]): RegionGoals {
  const size = perImage.reduce((sum, own) => sum + own, 0)
  const [images, labels, counts] = [new Int32Array(size), new Int32Array(size), new Float32Array(size)]
  const foreground: number[] = []
  let start = 0
  for (const [n, own] of targets.entries()) {
    images.fill(n, start, start + perImage[n]!)
    labels.set(own.labels, start)
    counts.fill(1, start, start + own.labels.length)
    for (let row = 0; row < own.deltas.length / 4; row++) foreground.push(start + row)
    start += perImage[n]!
  }
  const boxes = boxTargets(
    {
      rows: foreground,
      deltas: concatFloat32(targets.map(({ deltas }) => deltas)),
      references: concatFloat32(targets.map(({ boxes, deltas }) => boxes.subarray(0, deltas.length))),
      truths: concatFloat32(targets.map(({ truths }) => truths)),
    },
    size,
  )
  const number = targets.reduce((sum, own) => sum + own.labels.length, 0)
  return {
    rows: tf.tensor1d(
      Int32Array.from(labels, (_, row) => row),
      "int32",
    ),
    images: tf.tensor1d(images, "int32"),
    labels: tf.tensor1d(labels, "int32"),
    counts: tf.tensor1d(counts),
    number: tf.scalar(Math.max(1, number)),
    boxes,
  }
}

/**
 * The head's two losses over the sampled regions of all images, both divided by their number.
 * @param goals of the regions in `outputs`
 * @param box how boxes are compared
 * @returns scalars; `loss_box_reg` counts only the foreground's own class, and is 0 without foreground
 * @source torchvision `fastrcnn_loss`
 */
export function roiLosses(
  { logits, deltas }: RoiOutputs,
  { rows, labels, counts, number, boxes }: RegionGoals,
  box: BoxLossOptions,
): { loss_classifier: tf.Scalar; loss_box_reg: tf.Scalar } {
  const slots = tf.add(tf.mul(rows, tf.scalar(logits.shape[1], "int32")), labels) as tf.Tensor1D
  const moved = takeRows(tf.reshape(deltas, [-1, 4]) as tf.Tensor2D, slots)
  return {
    loss_classifier: tf.div(tf.sum(tf.mul(softmaxCrossEntropy(logits, labels), counts)), number),
    loss_box_reg: tf.div(boxLoss(moved, boxes, roiCoderWeights, box), number),
  }
}
