import * as tf from "@tensorflow/tfjs-core"
import { type BoxLossOptions, boxLoss } from "../boxes/box-loss.js"
import { joinBoxes } from "../boxes/boxes.js"
import { rpnCoderWeights } from "../boxes/coder.js"
import { sigmoidCrossEntropy } from "../tensor/losses.js"
import type { RpnOutputs } from "./head.js"
import type { RpnTargets } from "./targets.js"

/**
 * The RPN's two losses over the sampled anchors of all images, both divided by their number.
 * @param targets one for each of the N images
 * @param box how boxes are compared
 * @returns scalars; `loss_rpn_box_reg` is 0 without positives
 * @source torchvision `RegionProposalNetwork.compute_loss`
 */
export function rpnLosses(
  { logits, deltas }: RpnOutputs,
  targets: readonly RpnTargets[],
  box: BoxLossOptions,
): { loss_objectness: tf.Scalar; loss_rpn_box_reg: tf.Scalar } {
  const perImage = logits.shape[1]
  const shifted = (indices: Int32Array, image: number) => Array.from(indices, (i) => i + image * perImage)
  const positives = targets.flatMap((target, n) => shifted(target.positives, n))
  const negatives = targets.flatMap((target, n) => shifted(target.negatives, n))
  const sampled = positives.length + negatives.length
  if (sampled === 0) return { loss_objectness: tf.scalar(0), loss_rpn_box_reg: tf.scalar(0) }

  const said = tf.gather(tf.reshape(logits, [-1]), tf.tensor1d([...positives, ...negatives], "int32"))
  const wanted = tf.concat([tf.ones([positives.length]), tf.zeros([negatives.length])])
  const loss_objectness = tf.mean(sigmoidCrossEntropy(said, wanted)) as tf.Scalar
  if (positives.length === 0) return { loss_objectness, loss_rpn_box_reg: tf.scalar(0) }

  const moved: tf.Tensor2D = tf.gather(tf.reshape(deltas, [-1, 4]), tf.tensor1d(positives, "int32"))
  const goals = {
    deltas: joinBoxes(targets.map((target) => target.deltas)),
    references: joinBoxes(targets.map((target) => target.anchors)),
    truths: joinBoxes(targets.map((target) => target.truths)),
  }
  const loss_rpn_box_reg: tf.Scalar = tf.div(boxLoss(moved, goals, rpnCoderWeights, box), sampled)
  return { loss_objectness, loss_rpn_box_reg }
}
