import { boxesOfSide, clipBoxes, takeBoxes } from "../boxes/clip.js"
import { joinPredictions, type Predictions } from "../roi/predictions.js"
import type { RegionPredictor } from "./region-predictor.js"

/**
 * Iterative box refinement: the boxes that a first look gave are looked at again, and what both looks say counts.
 * @param predictions of the first look
 * @param size `[height, width]` of the photo
 * @param minSide a box with a shorter side is not looked at again
 * @returns the first look's predictions, then the second's
 * @source He et al. 2015, appendix B, "Box refinement": 300 new predictions beside the 300 of the first look
 */
export async function refineBoxes(
  predictor: Pick<RegionPredictor, "predict">,
  predictions: Predictions,
  size: readonly [number, number],
  minSide: number,
): Promise<Predictions> {
  const boxes = likeliestBoxes(predictions)
  clipBoxes(boxes, size)
  return joinPredictions(predictions, await predictor.predict(takeBoxes(boxes, boxesOfSide(boxes, minSide))))
}

/**
 * Each region's box of the class it most likely is, the background left aside: `[R * 4]`. The paper's "300 new
 * predictions" are one a region; which of its K boxes is meant it does not say. @source mmdetection `CascadeRoIHead`
 */
function likeliestBoxes({ numLabels, scores, boxes }: Predictions): Float32Array {
  const slots: number[] = []
  for (let from = 0; from < scores.length; from += numLabels) {
    let best = from + 1
    for (let slot = from + 2; slot < from + numLabels; slot++) if (scores[slot]! > scores[best]!) best = slot
    slots.push(best)
  }
  return takeBoxes(boxes, slots)
}
