import type { Detections } from "../boxes/boxes.js"
import { boxesOfSide, clipBoxes, takeBoxes } from "../boxes/clip.js"
import { decodeBoxes, roiCoderWeights } from "../boxes/coder.js"
import { nms } from "../boxes/nms.js"
import { orderByScore } from "../boxes/order.js"
import { atLeastOne, fraction, withDefaults } from "../tensor/options.js"

export interface SelectOptions {
  /** Detections with a lower score are dropped; keep it low when AP is measured. */
  readonly score: number
  /** Of two detections of one class that overlap by more than this, the better one stays. */
  readonly nmsThreshold: number
  /** Most detections an image. */
  readonly limit: number
  /** A detection with a side shorter than this (input pixels) is dropped. */
  readonly minSide: number
}

/** @source torchvision `RoIHeads`: score 0.05, NMS 0.5, 100 detections, sides from 0.01 (py-faster-rcnn: NMS 0.3) */
export const selectDefaults: SelectOptions = { score: 0.05, nmsThreshold: 0.5, limit: 100, minSide: 0.01 }

/** @throws UsageError for an unknown option or a value out of range */
export const selectOptions = (overrides: Partial<SelectOptions> = {}): SelectOptions =>
  withDefaults("selectOptions", selectDefaults, overrides, {
    score: fraction,
    nmsThreshold: fraction,
    limit: atLeastOne,
  })

/**
 * Turns what the head says of one image's proposals into detections: the softmax's scores, each class's boxes decoded and
 * cut to the image, non-maximum suppression class by class, the best `limit` of all.
 * @param proposals `[R * 4]` input pixels
 * @param logits `[R * (K + 1)]`, the background first
 * @param deltas `[R * (K + 1) * 4]`
 * @param size `[height, width]` of the image inside its padded input
 * @returns detections in input pixels, best first
 */
export function selectDetections(
  proposals: Float32Array,
  logits: Float32Array,
  deltas: Float32Array,
  size: readonly [number, number],
  options: SelectOptions,
): Detections {
  const regions = proposals.length / 4
  const numLabels = regions === 0 ? 1 : logits.length / regions
  const scores = softmaxRows(logits, numLabels)
  const found: { boxes: Float32Array; scores: Float32Array; label: number }[] = []
  for (let label = 1; label < numLabels; label++) {
    const candidates: number[] = []
    for (let r = 0; r < regions; r++) if (scores[r * numLabels + label]! > options.score) candidates.push(r)
    if (candidates.length > 0) found.push(ofOneClass(label, candidates))
  }
  return bestOf(found, options.limit)

  function ofOneClass(label: number, candidates: readonly number[]) {
    const own = new Float32Array(4 * candidates.length)
    candidates.forEach((r, k) => {
      const from = 4 * (r * numLabels + label)
      own.set(deltas.subarray(from, from + 4), 4 * k)
    })
    const boxes = decodeBoxes(own, takeBoxes(proposals, candidates), roiCoderWeights)
    clipBoxes(boxes, size)
    const sized = boxesOfSide(boxes, options.minSide)
    const sizedBoxes = takeBoxes(boxes, sized)
    const sizedScores = Float32Array.from(sized, (k) => scores[candidates[k]! * numLabels + label]!)
    const kept = nms(sizedBoxes, sizedScores, { threshold: options.nmsThreshold, limit: options.limit })
    return { boxes: takeBoxes(sizedBoxes, kept), scores: Float32Array.from(kept, (k) => sizedScores[k]!), label }
  }
}

/** The best `limit` of several classes' detections together. */
function bestOf(
  found: readonly { boxes: Float32Array; scores: Float32Array; label: number }[],
  limit: number,
): Detections {
  const scores = Float32Array.from(found.flatMap((group) => [...group.scores]))
  const boxes = Float32Array.from(found.flatMap((group) => [...group.boxes]))
  const labels = found.flatMap((group) => Array.from(group.scores, () => group.label))
  const order = orderByScore(scores, limit)
  return {
    boxes: takeBoxes(boxes, order),
    scores: Float32Array.from(order, (k) => scores[k]!),
    labels: Int32Array.from(order, (k) => labels[k]!),
  }
}

function softmaxRows(logits: Float32Array, length: number): Float32Array {
  const scores = new Float32Array(logits.length)
  for (let from = 0; from < logits.length; from += length) {
    let most = Number.NEGATIVE_INFINITY
    for (let k = from; k < from + length; k++) most = Math.max(most, logits[k]!)
    let sum = 0
    for (let k = from; k < from + length; k++) sum += Math.exp(logits[k]! - most)
    for (let k = from; k < from + length; k++) scores[k] = Math.exp(logits[k]! - most) / sum
  }
  return scores
}
