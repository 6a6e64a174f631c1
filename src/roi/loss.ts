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
  /** `[R]` the weight of its class for a region that counts, on a mean of 1 over those; else 0. */
  readonly weights: tf.Tensor1D
  /** How many count, 1 at least. */
  readonly number: tf.Scalar
  readonly boxes: BoxTargets
}

/** The goals as a list, which `regionGoalsOf` takes apart. */
export const tensorsOfRegionGoals = ({ rows, images, labels, weights, number, boxes }: RegionGoals): tf.Tensor[] => [
  rows,
  images,
  labels,
  weights,
  number,
  ...tensorsOfTargets(boxes),
]

export function regionGoalsOf([rows, images, labels, weights, number, ...boxes]: readonly tf.Tensor[]): RegionGoals {
  return {
    rows: rows as tf.Tensor1D,
    images: images as tf.Tensor1D,
    labels: labels as tf.Tensor1D,
    weights: weights as tf.Tensor1D,
    number: number as tf.Scalar,
    boxes: boxTargetsOf(boxes),
  }
}

/**
 * @param perImage how many regions stand for each image, of which those of its targets come first, and count
 * @param classWeights of background and the classes 1..K, above 0; 1 each where left out
 */
export function regionGoals(
  targets: readonly RoiTargets[],
  perImage: readonly number[],
  classWeights?: readonly number[],
): RegionGoals {
  const size = perImage.reduce((sum, own) => sum + own, 0)
  const [images, labels, weights] = [new Int32Array(size), new Int32Array(size), new Float32Array(size)]
  const weightOf = (label: number) => classWeights?.[label] ?? 1
  const foreground: number[] = []
  let start = 0
  for (const [n, own] of targets.entries()) {
    images.fill(n, start, start + perImage[n]!)
    labels.set(own.labels, start)
    weights.set(Float32Array.from(own.labels, weightOf), start)
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
    weights: tf.tensor1d(classWeights === undefined ? weights : meanOne(weights, number)),
    number: tf.scalar(Math.max(1, number)),
    boxes,
  }
}

/** @param count how many of them are of regions that count */
function meanOne(weights: Float32Array, count: number): Float32Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return total > 0 ? weights.map((weight) => (weight * count) / total) : weights
}

/**
 * The head's two losses over the sampled regions of all images: the mean of the classes' cross entropy, weighted by class, and the
 * boxes' sum by the number of regions.
 * @param goals of the regions in `outputs`
 * @param box how boxes are compared
 * @returns scalars; `loss_box_reg` counts only the foreground's own class, and is 0 without foreground
 * @source torchvision `fastrcnn_loss`; weights: PyTorch `cross_entropy(weight=...)`, whose mean is over the weights too
 */
export function roiLosses(
  { logits, deltas }: RoiOutputs,
  { rows, labels, weights, number, boxes }: RegionGoals,
  box: BoxLossOptions,
): { loss_classifier: tf.Scalar; loss_box_reg: tf.Scalar } {
  const slots = tf.add(tf.mul(rows, tf.scalar(logits.shape[1], "int32")), labels) as tf.Tensor1D
  const moved = takeRows(tf.reshape(deltas, [-1, 4]) as tf.Tensor2D, slots)
  return {
    loss_classifier: tf.div(tf.sum(tf.mul(softmaxCrossEntropy(logits, labels), weights)), number),
    loss_box_reg: tf.div(boxLoss(moved, boxes, roiCoderWeights, box), number),
  }
}
