import type { RoiOutputs } from "./head.js"
import { decodePredictions, type Predictions } from "./predictions.js"

/**
 * What the head says of each image's regions, out of its tensors.
 * @param regions `[R * 4]` an image, in the order of the outputs' rows
 */
export function readPredictions({ logits, deltas }: RoiOutputs, regions: readonly Float32Array[]): Predictions[] {
  const numLabels = logits.shape[1]
  const [allLogits, allDeltas] = [logits.dataSync<"float32">(), deltas.dataSync<"float32">()]
  let from = 0
  return regions.map((own) => {
    const to = from + (own.length / 4) * numLabels
    const predictions = decodePredictions(own, allLogits.subarray(from, to), allDeltas.subarray(4 * from, 4 * to))
    from = to
    return predictions
  })
}
