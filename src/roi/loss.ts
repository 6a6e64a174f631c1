import * as tf from "@tensorflow/tfjs-core"
import { smoothL1, softmaxCrossEntropy } from "../tensor/losses.js"
import type { RoiOutputs } from "./head.js"
import type { RoiTargets } from "./targets.js"

/** Where the box loss turns from square to straight. @source torchvision `fastrcnn_loss` (Fast R-CNN itself has 1) */
export const roiBeta = 1 / 9

/**
 * The head's two losses over the sampled regions of all images, both divided by their number.
 * @param targets one for each image, in the order of the regions in `outputs`
 * @returns scalars; `loss_box_reg` counts only the foreground's own class, and is 0 without foreground
 * @source torchvision `fastrcnn_loss`
 */
export function roiLosses(
  { logits, deltas }: RoiOutputs,
  targets: readonly RoiTargets[],
): { loss_classifier: tf.Scalar; loss_box_reg: tf.Scalar } {
  const labels = targets.flatMap((target) => [...target.labels])
  if (labels.length === 0) return { loss_classifier: tf.scalar(0), loss_box_reg: tf.scalar(0) }
  const loss_classifier = tf.mean(softmaxCrossEntropy(logits, tf.tensor1d(labels, "int32"))) as tf.Scalar

  const numLabels = logits.shape[1]
  const slots = labels.flatMap((label, region) => (label > 0 ? [region * numLabels + label] : []))
  if (slots.length === 0) return { loss_classifier, loss_box_reg: tf.scalar(0) }
  const moved = tf.gather(tf.reshape(deltas, [-1, 4]), tf.tensor1d(slots, "int32"))
  const goals = tf.concat(targets.map((target) => tf.tensor2d(target.deltas, [target.deltas.length / 4, 4])))
  const loss_box_reg = tf.div(tf.sum(smoothL1(moved, goals, roiBeta)), labels.length) as tf.Scalar
  return { loss_classifier, loss_box_reg }
}
