import type { Detections } from "../boxes/boxes.js"
import { bestDetections, joinDetections, takeDetections } from "../boxes/detections.js"
import { nms } from "../boxes/nms.js"
import { softNms } from "../boxes/soft-nms.js"
import { voteBoxes } from "../boxes/vote.js"
import { atLeastOne, fraction, oneOf, trueOrFalse, withDefaults } from "../core/options.js"
import { filterByScore, type Predictions } from "./predictions.js"

export interface SelectOptions {
  /** Boxes with a lower score take no part; keep it low when AP is measured. */
  readonly score: number
  /** Of two detections of one class that overlap by more than this, the better one stays. */
  readonly nmsThreshold: number
  /** Most detections an image. */
  readonly maxDetections: number
  /** A detection with a side shorter than this (input pixels) is dropped. */
  readonly minSide: number
  /** Scores of overlapping detections sink instead of the detections being dropped; see `softNms`. */
  readonly softNms: "off" | "linear" | "gaussian"
  /** Each detection's box is moved to the mean of those around it; see `voteBox`. */
  readonly vote: boolean
  /** Suppression over all classes together: of what is seen as two things, the likelier one stays. */
  readonly agnostic: boolean
}

/** @source torchvision `RoIHeads`: score 0.05, NMS 0.5, 100 detections, sides from 0.01 (py-faster-rcnn: NMS 0.3) */
export const selectDefaults: SelectOptions = {
  score: 0.05,
  nmsThreshold: 0.5,
  maxDetections: 100,
  minSide: 0.01,
  softNms: "off",
  vote: false,
  agnostic: false,
}

export const softNmsRule = oneOf("off", "linear", "gaussian")

/** @throws UsageError for an unknown option or a value out of range */
export const selectOptions = (overrides: Partial<SelectOptions> = {}): SelectOptions =>
  withDefaults("selectOptions", selectDefaults, overrides, {
    score: fraction,
    nmsThreshold: fraction,
    maxDetections: atLeastOne,
    softNms: softNmsRule,
    vote: trueOrFalse,
    agnostic: trueOrFalse,
  })

/**
 * Turns what the head says of one image's regions into detections: boxes cut to the image, non-maximum suppression class
 * by class, the best `maxDetections` of all.
 * @param size `[height, width]` of the image, in the regions' frame
 * @returns detections in the same frame, best first
 */
export function postprocessDetections(
  predictions: Predictions,
  size: readonly [number, number],
  options: SelectOptions,
): Detections {
  return selectCandidates(filterByScore(predictions, size, options), options)
}

/**
 * The detections among candidates: suppression and vote class by class, unless `agnostic`, then the best `maxDetections` of all.
 * @param found boxes with scores and labels in any order; of equal scores the lower label, then the earlier one is better
 * @returns detections in the same frame, best first
 */
export function selectCandidates(found: Detections, options: SelectOptions): Detections {
  if (options.agnostic) return bestDetections(ofOneClass(found, options), options.maxDetections)
  const members = new Map<number, number[]>()
  for (const [i, label] of found.labels.entries()) {
    const own = members.get(label)
    if (own) own.push(i)
    else members.set(label, [i])
  }
  const labels = [...members.keys()].sort((a, b) => a - b)
  const chosen = labels.map((label) => ofOneClass(takeDetections(found, members.get(label)!), options))
  return bestDetections(joinDetections(chosen), options.maxDetections)
}

function ofOneClass(own: Detections, { nmsThreshold, maxDetections, softNms: decay, vote }: SelectOptions): Detections {
  const rule = { threshold: nmsThreshold, limit: maxDetections }
  const chosen = decay === "off" ? takeDetections(own, nms(own.boxes, own.scores, rule)) : softened(own, decay, rule)
  return vote ? { ...chosen, boxes: voteBoxes(chosen.boxes, own) } : chosen
}

function softened(own: Detections, decay: "linear" | "gaussian", rule: { threshold: number; limit: number }) {
  const { kept, scores } = softNms(own.boxes, own.scores, { decay, ...rule })
  return { ...takeDetections(own, kept), scores }
}
