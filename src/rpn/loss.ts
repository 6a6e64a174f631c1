import * as tf from "@tensorflow/tfjs-core"
import { type BoxLossOptions, boxLoss } from "../boxes/box-loss.js"
import { concatFloat32 } from "../boxes/boxes.js"
import { rpnCoderWeights } from "../boxes/coder.js"
import { sigmoidCrossEntropy } from "../core/losses.js"
import type { AnchorOutputs, RpnOutputs } from "./head.js"
import type { RpnTargets } from "./targets.js"

/** The sampled anchors of each image: the positive ones, then the negative ones. */
export function sampledAnchors(targets: readonly RpnTargets[]): number[][] {
  return targets.map(({ positives, negatives }) => [...positives, ...negatives])
}

/** What dense outputs say of some anchors of each image. */
export function outputsAt({ logits, deltas }: RpnOutputs, sampled: readonly (readonly number[])[]): AnchorOutputs {
  const perImage = logits.shape[1]
  const places = sampled.flatMap((own, image) => own.map((index) => image * perImage + index))
  const rows = tf.tensor1d(places, "int32")
  return { logits: tf.gather(tf.reshape(logits, [-1]), rows), deltas: tf.gather(tf.reshape(deltas, [-1, 4]), rows) }
}

/**
 * The RPN's two losses over the sampled anchors of all images, both divided by their number.
 * @param outputs of `sampledAnchors(targets)`
 * @param targets one for each of the N images
 * @param box how boxes are compared
 * @returns scalars; `loss_rpn_box_reg` is 0 without positives
 * @source torchvision `RegionProposalNetwork.compute_loss`
 */
export function rpnLosses(
  { logits, deltas }: AnchorOutputs,
  targets: readonly RpnTargets[],
  box: BoxLossOptions,
): { loss_objectness: tf.Scalar; loss_rpn_box_reg: tf.Scalar } {
  const isPositive = targets.flatMap(({ positives, negatives }) => [
    ...new Array<number>(positives.length).fill(1),
    ...new Array<number>(negatives.length).fill(0),
  ])
  const sampled = isPositive.length
  if (sampled === 0) return { loss_objectness: tf.scalar(0), loss_rpn_box_reg: tf.scalar(0) }

  const loss_objectness = tf.mean(sigmoidCrossEntropy(logits, tf.tensor1d(isPositive))) as tf.Scalar
  const positives = isPositive.flatMap((is, place) => (is === 1 ? [place] : []))
  if (positives.length === 0) return { loss_objectness, loss_rpn_box_reg: tf.scalar(0) }

  const moved: tf.Tensor2D = tf.gather(deltas, tf.tensor1d(positives, "int32"))
  const boxTargets = {
    deltas: concatFloat32(targets.map((target) => target.deltas)),
    references: concatFloat32(targets.map((target) => target.anchors)),
    truths: concatFloat32(targets.map((target) => target.truths)),
  }
  const loss_rpn_box_reg: tf.Scalar = tf.div(boxLoss(moved, boxTargets, rpnCoderWeights, box), sampled)
  return { loss_objectness, loss_rpn_box_reg }
}
