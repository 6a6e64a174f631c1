import { concatFloat32 } from "../boxes/boxes.js"
import { boxesOfSide, clipBoxes, takeBoxes } from "../boxes/clip.js"
import { decodeBoxes, rpnCoderWeights } from "../boxes/coder.js"
import { nms } from "../boxes/nms.js"
import { orderByScore } from "../boxes/order.js"
import { atLeastOne, fraction, withDefaults } from "../core/options.js"

export interface ProposalOptions {
  /** How many of the best-scored anchors of each level are decoded. */
  readonly preNmsTopN: number
  /** How many proposals are handed on. */
  readonly postNmsTopN: number
  readonly nmsThreshold: number
  /** A proposal with a side shorter than this (input pixels) is dropped. */
  readonly minSide: number
}

/** @source py-faster-rcnn and Detectron C4: 12000 anchors, 2000 proposals, NMS 0.7 in training */
export const trainProposalDefaults: ProposalOptions = {
  preNmsTopN: 12_000,
  postNmsTopN: 2000,
  nmsThreshold: 0.7,
  minSide: 1e-3,
}

/** @source the ResNet paper, appendix A: 300 proposals; py-faster-rcnn: of the best 6000 anchors */
export const testProposalDefaults: ProposalOptions = { ...trainProposalDefaults, preNmsTopN: 6000, postNmsTopN: 300 }

/** @throws UsageError for an unknown option or a value out of range */
export const proposalOptions = (defaults: ProposalOptions, overrides: Partial<ProposalOptions> = {}): ProposalOptions =>
  withDefaults("proposalOptions", defaults, overrides, {
    preNmsTopN: atLeastOne,
    postNmsTopN: atLeastOne,
    nmsThreshold: fraction,
  })

/**
 * The regions of one image worth a closer look: on each level by itself the best anchors, moved by their deltas, cut to
 * the image, thinned by non-maximum suppression; then the best of all levels.
 * @param levels each level's anchors `[R * 4]`, input pixels
 * @param logits objectness of each anchor, level after level
 * @param deltas of each anchor, level after level
 * @param size `[height, width]` of the image inside its padded input
 * @returns `[P * 4]` in input pixels, best first, P at most `postNmsTopN`; no gradient flows through it
 * @source torchvision `RegionProposalNetwork.filter_proposals`, by logits instead of their rounded sigmoids
 */
export function proposeBoxes(
  levels: readonly Float32Array[],
  logits: Float32Array,
  deltas: Float32Array,
  size: readonly [number, number],
  options: ProposalOptions,
): Float32Array {
  let from = 0
  const proposed = levels.map((anchors) => {
    const to = from + anchors.length / 4
    const found = ofLevel(anchors, logits.subarray(from, to), deltas.subarray(4 * from, 4 * to), size, options)
    from = to
    return found
  })
  if (proposed.length === 1) return proposed[0]!.boxes
  const scores = concatFloat32(proposed.map((found) => found.scores))
  return takeBoxes(concatFloat32(proposed.map(({ boxes }) => boxes)), orderByScore(scores, options.postNmsTopN))
}

function ofLevel(
  anchors: Float32Array,
  logits: Float32Array,
  deltas: Float32Array,
  size: readonly [number, number],
  options: ProposalOptions,
): { boxes: Float32Array; scores: Float32Array } {
  const best = orderByScore(logits, options.preNmsTopN)
  const boxes = decodeBoxes(takeBoxes(deltas, best), takeBoxes(anchors, best), rpnCoderWeights)
  clipBoxes(boxes, size)
  const sized = boxesOfSide(boxes, options.minSide)
  const candidates = takeBoxes(boxes, sized)
  const scores = Float32Array.from(sized, (i) => logits[best[i]!]!)
  const kept = nms(candidates, scores, { threshold: options.nmsThreshold, limit: options.postNmsTopN })
  return { boxes: takeBoxes(candidates, kept), scores: Float32Array.from(kept, (k) => scores[k]!) }
}
