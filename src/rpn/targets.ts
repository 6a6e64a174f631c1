import type { Boxes } from "../boxes/boxes.js"
import { boxesInside, takeBoxes } from "../boxes/clip.js"
import { encodeBoxes, rpnCoderWeights } from "../boxes/coder.js"
import { ignoreCrowds, type MatchOptions, matchBoxes } from "../boxes/matcher.js"
import { type SampleOptions, sampleMatches } from "../boxes/sampler.js"
import type { Random } from "../core/random.js"
import type { Size } from "../core/shapes.js"

/** @source Faster R-CNN (TPAMI), section 3.1.2: positive from IoU 0.7 or as a truth's best, negative below 0.3 */
export const rpnMatchDefaults: MatchOptions = { positive: 0.7, negative: 0.3, allowLowQualityMatches: true }

/** @source Faster R-CNN (TPAMI), section 3.1.3: 256 anchors an image, up to half of them positive */
export const rpnSampleDefaults: SampleOptions = { batchSizePerImage: 256, positiveFraction: 0.5 }

/** What the RPN should say of one image's sampled anchors. */
export interface RpnTargets {
  /** `[P]` indices of the sampled positive anchors, then these themselves, their truths and deltas `[P * 4]`. */
  readonly positives: Int32Array
  readonly anchors: Float32Array
  readonly truths: Float32Array
  readonly deltas: Float32Array
  /** `[M]` indices of the sampled negative anchors. */
  readonly negatives: Int32Array
}

/** Of an image of which nothing is asked. */
export const noTargets: RpnTargets = {
  ...{ positives: new Int32Array(0), negatives: new Int32Array(0) },
  ...{ anchors: new Float32Array(0), truths: new Float32Array(0), deltas: new Float32Array(0) },
}

/** How anchors become targets. */
export interface RpnTargetRules {
  readonly match: MatchOptions
  readonly sample: SampleOptions
  /** `[height, width]` of the image inside its padded input, where only anchors that lie within it take part. */
  readonly within?: Size | undefined
}

/**
 * Matches anchors to the truths of an image and draws a balanced sample.
 * @param anchors `[R * 4]` input pixels
 * @param truths `[G * 4]` input pixels; with G = 0 the whole sample is background
 * @param crowds `[C * 4]` input pixels: regions inside which nothing counts as background
 */
export function rpnTargets(
  anchors: Boxes,
  truths: Boxes,
  crowds: Boxes,
  { match, sample, within }: RpnTargetRules,
  random: Random,
): RpnTargets {
  const places = within && boxesInside(anchors, within)
  const candidates = places ? takeBoxes(anchors, places) : anchors
  const matches = matchBoxes(candidates, truths, match)
  ignoreCrowds(matches, candidates, crowds)
  const { positives, negatives } = sampleMatches(matches, sample, random)
  const own = takeBoxes(candidates, positives)
  const matched = takeBoxes(
    truths,
    Int32Array.from(positives, (i) => matches.matchedIndex[i]!),
  )
  const placed = (chosen: Int32Array) => (places ? chosen.map((k) => places[k]!) : chosen)
  return {
    positives: placed(positives),
    anchors: own,
    truths: matched,
    deltas: encodeBoxes(matched, own, rpnCoderWeights),
    negatives: placed(negatives),
  }
}
