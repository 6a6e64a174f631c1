import type { Detections } from "../boxes/boxes.js"
import { concatFloat32 } from "../boxes/boxes.js"
import { boxesOfSide, clipBoxes, takeBoxes } from "../boxes/clip.js"
import { decodeBoxes, roiCoderWeights } from "../boxes/coder.js"

/** What a head says of R regions, in the frame of the regions. */
export type Predictions = {
  /** K + 1. */
  readonly numLabels: number
  /** `[R * (K + 1)]` 0..1, the background first; each region's add up to 1. */
  readonly scores: Float32Array
  /** `[R * (K + 1) * 4]` x1, y1, x2, y2: a box for each label, not cut to the image; the background's means nothing. */
  readonly boxes: Float32Array
}

/**
 * The softmax of a head's logits, and its deltas as boxes.
 * @param regions `[R * 4]` what the head looked at
 * @param logits `[R * (K + 1)]`, the background first
 * @param deltas `[R * (K + 1) * 4]`
 */
export function decodePredictions(regions: Float32Array, logits: Float32Array, deltas: Float32Array): Predictions {
  const count = regions.length / 4
  const numLabels = count === 0 ? 1 : logits.length / count
  const references = new Float32Array(deltas.length)
  for (let slot = 0; slot < logits.length; slot++) {
    const from = 4 * Math.floor(slot / numLabels)
    references.set(regions.subarray(from, from + 4), 4 * slot)
  }
  return {
    numLabels,
    scores: softmaxRows(logits, numLabels),
    boxes: decodeBoxes(deltas, references, roiCoderWeights),
  }
}

/** Predictions on one list of regions, then on another. */
export function joinPredictions(first: Predictions, second: Predictions): Predictions {
  return {
    numLabels: Math.max(first.numLabels, second.numLabels),
    scores: concatFloat32([first.scores, second.scores]),
    boxes: concatFloat32([first.boxes, second.boxes]),
  }
}

/**
 * Every box whose label is scored above `score`, cut to the image: label by label, within each in the regions' order.
 * @param size `[height, width]` of the image, in the regions' frame
 * @param minSide what is left with a side shorter than this is dropped
 */
export function filterByScore(
  { numLabels, scores, boxes }: Predictions,
  size: readonly [number, number],
  { score, minSide }: { readonly score: number; readonly minSide: number },
): Detections {
  const slots: number[] = []
  for (let label = 1; label < numLabels; label++) {
    for (let slot = label; slot < scores.length; slot += numLabels) if (scores[slot]! > score) slots.push(slot)
  }
  const found = takeBoxes(boxes, slots)
  clipBoxes(found, size)
  const sized = boxesOfSide(found, minSide)
  return {
    boxes: takeBoxes(found, sized),
    scores: Float32Array.from(sized, (k) => scores[slots[k]!]!),
    labels: Int32Array.from(sized, (k) => slots[k]! % numLabels),
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
