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
import { rpnCoderWeights } from "../boxes/coder.js"
import { sigmoidCrossEntropy } from "../core/losses.js"
import type { AnchorOutputs } from "./head.js"
import type { RpnTargets } from "./targets.js"

/**
 * The sampled anchors of each image: the positive ones, the negative ones, and where they are fewer than `perImage` the first
 * anchor again and again, which counts nothing: so shapes do not depend on what was found.
 */
export function sampledAnchors(targets: readonly RpnTargets[], perImage: number): number[][] {
  return targets.map(({ positives, negatives }) => {
    const padding = Math.max(0, perImage - positives.length - negatives.length)
    return [...positives, ...negatives, ...new Array<number>(padding).fill(0)]
  })
}

/** What the S sampled anchors should have been said of, all images' in one list. */
export interface AnchorGoals {
  /** `[S]` 1 for an anchor that holds an object, and 1 for those that count. */
  readonly positive: tf.Tensor1D
  readonly counts: tf.Tensor1D
  /** How many count, 1 at least. */
  readonly number: tf.Scalar
  readonly boxes: BoxTargets
}

/** The goals as a list, which `anchorGoalsOf` takes apart. */
export const tensorsOfAnchorGoals = ({ positive, counts, number, boxes }: AnchorGoals): tf.Tensor[] => [
  positive,
  counts,
  number,
  ...tensorsOfTargets(boxes),
]

/** How many tensors that is. */
export const anchorGoalTensors = 7

export function anchorGoalsOf([positive, counts, number, ...boxes]: readonly tf.Tensor[]): AnchorGoals {
  return {
    positive: positive as tf.Tensor1D,
    counts: counts as tf.Tensor1D,
    number: number as tf.Scalar,
    boxes: boxTargetsOf(boxes),
  }
}

/** The goals of `sampledAnchors(targets, perImage)`. */
export function anchorGoals(targets: readonly RpnTargets[], perImage: number): AnchorGoals {
  const size = targets.length * perImage
  const [positive, counts] = [new Float32Array(size), new Float32Array(size)]
  const rows: number[] = []
  for (const [n, { positives, negatives }] of targets.entries()) {
    const start = n * perImage
    counts.fill(1, start, start + positives.length + negatives.length)
    for (let row = start; row < start + positives.length; row++) {
      positive[row] = 1
      rows.push(row)
    }
  }
  const boxes = boxTargets(
    {
      rows,
      deltas: concatFloat32(targets.map(({ deltas }) => deltas)),
      references: concatFloat32(targets.map(({ anchors }) => anchors)),
      truths: concatFloat32(targets.map(({ truths }) => truths)),
    },
    size,
  )
  const number = targets.reduce((sum, { positives, negatives }) => sum + positives.length + negatives.length, 0)
  return {
    positive: tf.tensor1d(positive),
    counts: tf.tensor1d(counts),
    number: tf.scalar(Math.max(1, number)),
    boxes,
  }
}

/**
 * The RPN's two losses over the sampled anchors of all images, both divided by their number.
 * @param outputs of the anchors that the goals are for
 * @param box how boxes are compared
 * @returns scalars; `loss_rpn_box_reg` is 0 without positives
 * @source torchvision `RegionProposalNetwork.compute_loss`
 */
export function rpnLosses(
  { logits, deltas }: AnchorOutputs,
  { positive, counts, number, boxes }: AnchorGoals,
  box: BoxLossOptions,
): { loss_objectness: tf.Scalar; loss_rpn_box_reg: tf.Scalar } {
  const distances = tf.mul(sigmoidCrossEntropy(logits, positive), counts)
  return {
    loss_objectness: tf.div(tf.sum(distances), number),
    loss_rpn_box_reg: tf.div(boxLoss(deltas, boxes, rpnCoderWeights, box), number),
  }
}
