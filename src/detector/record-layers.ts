import * as tf from "@tensorflow/tfjs-core"
import type { Backbone } from "../backbone/backbone.js"
import type { Precision } from "../engine/names.js"
import { recorded } from "../engine/recorded.js"
import type { BoxHead, BoxPredictor } from "../roi/head.js"
import type { AnchorHead } from "../rpn/rpn.js"
import type { DetectorLayers } from "./build.js"

/**
 * The same layers, whose work in testing runs as recorded functions. The heads' pays in bf16 alone: what they execute is
 * few and large operations, and the number of regions differs from photo to photo.
 */
export function recordLayers(layers: DetectorLayers, precision: Precision): DetectorLayers {
  const { backbone, rpnHead, boxHead, predictor } = layers
  const recording = { backbone: recordBackbone(backbone, precision), rpnHead: recordAnchorHead(rpnHead, precision) }
  if (precision === "float32") return { ...layers, ...recording }
  return { ...recording, boxHead: recordBoxHead(boxHead, precision), predictor: recordPredictor(predictor, precision) }
}

function recordBackbone(backbone: Backbone, precision: Precision): Backbone {
  const features = recorded((stem: tf.Tensor4D) => backbone.features(stem), precision)
  const recording = { ...backbone, features: (stem: tf.Tensor4D) => features(stem) as readonly tf.Tensor4D[] }
  if (!backbone.frozen) return recording
  const frozen = recorded((images: tf.Tensor4D) => [backbone.frozen!(images)], precision)
  return { ...recording, frozen: (images) => frozen(images)[0] as tf.Tensor4D }
}

function recordAnchorHead(head: AnchorHead, precision: Precision): AnchorHead {
  const apply = recorded((...levels: tf.Tensor4D[]) => {
    const { logits, deltas } = head.apply(levels)
    return [logits, deltas]
  }, precision)
  return {
    apply(levels) {
      const [logits, deltas] = apply(...levels) as [tf.Tensor2D, tf.Tensor3D]
      return { logits, deltas }
    },
    places: (sizes, sampled) => head.places(sizes, sampled),
    applyAt: (levels, places) => head.applyAt(levels, places),
  }
}

function recordBoxHead(head: BoxHead, precision: Precision): BoxHead {
  const apply = recorded((pooled: tf.Tensor4D) => [head.apply(pooled)], precision)
  return { ...head, apply: (pooled) => inFullRows(pooled, (full) => apply(full))[0] as tf.Tensor2D }
}

function recordPredictor(predictor: Pick<BoxPredictor, "apply">, precision: Precision): Pick<BoxPredictor, "apply"> {
  const apply = recorded((vectors: tf.Tensor2D) => {
    const { logits, deltas } = predictor.apply(vectors)
    return [logits, deltas]
  }, precision)
  return {
    apply(vectors) {
      const [logits, deltas] = inFullRows(vectors, (full) => apply(full)) as [tf.Tensor2D, tf.Tensor2D]
      return { logits, deltas }
    },
  }
}

/** Regions are counted up to a multiple of this, so that there are few shapes to record. */
const rowsAtOnce = 128

/** Work on rows that do not mix, with rows of zeros behind them up to a full number; the results have the rows asked for. */
function inFullRows<T extends tf.Tensor>(rows: T, work: (full: T) => readonly tf.Tensor[]): readonly tf.Tensor[] {
  const [count = 0, ...others] = rows.shape
  const more = rowsAtOnce * Math.max(1, Math.ceil(count / rowsAtOnce)) - count
  if (more === 0) return work(rows)
  const none: [number, number] = [0, 0]
  return tf.tidy(() => {
    const full = tf.pad(rows, [[0, more], ...others.map(() => none)]) as T
    return work(full).map((result) => tf.slice(result, 0, count))
  })
}
