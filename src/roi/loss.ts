import * as tf from "@tensorflow/tfjs-core"
import { type BoxLossOptions, boxLoss } from "../boxes/box-loss.js"
import { concatFloat32 } from "../boxes/boxes.js"
import { roiCoderWeights } from "../boxes/coder.js"
import { softmaxCrossEntropy } from "../core/losses.js"
import type { RoiOutputs } from "./head.js"
import type { RoiTargets } from "./targets.js"

/**
 * The head's two losses over the sampled regions of all images, both divided by their number.
 * @param targets one for each image, in the order of the regions in `outputs`
 * @param box how boxes are compared
 * @returns scalars; `loss_box_reg` counts only the foreground's own class, and is 0 without foreground
 * @source torchvision `fastrcnn_loss`
 */
export function roiLosses(
  { logits, deltas }: RoiOutputs,
  targets: readonly RoiTargets[],
  box: BoxLossOptions,
): { loss_classifier: tf.Scalar; loss_box_reg: tf.Scalar } {
  const labels = targets.flatMap((target) => [...target.labels])
  if (labels.length === 0) return { loss_classifier: tf.scalar(0), loss_box_reg: tf.scalar(0) }
  const loss_classifier = tf.mean(softmaxCrossEntropy(logits, tf.tensor1d(labels, "int32"))) as tf.Scalar

  const numLabels = logits.shape[1]
  const slots = labels.flatMap((label, region) => (label > 0 ? [region * numLabels + label] : []))
  if (slots.length === 0) return { loss_classifier, loss_box_reg: tf.scalar(0) }
  const moved: tf.Tensor2D = tf.gather(tf.reshape(deltas, [-1, 4]), tf.tensor1d(slots, "int32"))
  const boxTargets = {
    deltas: concatFloat32(targets.map((target) => target.deltas)),
    references: concatFloat32(targets.map((target) => target.boxes.subarray(0, target.deltas.length))),
    truths: concatFloat32(targets.map((target) => target.truths)),
  }
  const loss_box_reg: tf.Scalar = tf.div(boxLoss(moved, boxTargets, roiCoderWeights, box), labels.length)
  return { loss_classifier, loss_box_reg }
}
