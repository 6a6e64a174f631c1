import type { RpnOutputs } from "./head.js"
import { type ProposalOptions, proposeBoxes } from "./proposals.js"

/**
 * The proposals of each image of a batch, see `proposeBoxes`.
 * @param levels each level's anchors `[R * 4]`, input pixels
 * @param sizes `[height, width]` of each image inside its padded input
 * @returns `[P * 4]` an image, input pixels
 */
export function proposeRegions(
  { logits, deltas }: RpnOutputs,
  levels: readonly Float32Array[],
  sizes: readonly (readonly [number, number])[],
  options: ProposalOptions,
): Float32Array[] {
  const anchors = logits.shape[1]
  const [allLogits, allDeltas] = [logits.dataSync<"float32">(), deltas.dataSync<"float32">()]
  return sizes.map((size, n) => {
    const [from, to] = [n * anchors, (n + 1) * anchors]
    return proposeBoxes(levels, allLogits.subarray(from, to), allDeltas.subarray(4 * from, 4 * to), size, options)
  })
}
