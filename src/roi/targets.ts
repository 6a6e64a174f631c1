import { type Boxes, concatFloat32 } from "../boxes/boxes.js"
import { takeBoxes } from "../boxes/clip.js"
import { encodeBoxes, roiCoderWeights } from "../boxes/coder.js"
import { ignoreCrowds, type MatchOptions, matchBoxes } from "../boxes/matcher.js"
import { type SampleOptions, sampleMatches } from "../boxes/sampler.js"
import type { Random } from "../core/random.js"

/** @source torchvision and detectron2: foreground from IoU 0.5, everything below is background */
export const roiMatchDefaults: MatchOptions = {
  positive: 0.5,
  negative: 0.5,
  negativeFrom: 0,
  allowLowQualityMatches: false,
}

/** @source torchvision and detectron2: 512 regions an image, a quarter of them foreground at most */
export const roiSampleDefaults: SampleOptions = { batchSizePerImage: 512, positiveFraction: 0.25 }

/** An image's sampled regions and what the head should say of them. */
export interface RoiTargets {
  /** `[R * 4]` input pixels, the foreground first. */
  readonly boxes: Float32Array
  /** `[R]` 0 for background, else 1..K. */
  readonly labels: Int32Array
  /** `[F * 4]` the truths of the F foreground regions, input pixels, and the deltas that lead there. */
  readonly truths: Float32Array
  readonly deltas: Float32Array
}

/**
 * Adds the truths to the proposals, matches, and draws a sample with at most `positiveFraction` foreground.
 * @param proposals `[P * 4]` input pixels
 * @param truths `[G * 4]` input pixels, with `labels` `[G]` 1..K; with G = 0 the whole sample is background
 * @param crowds `[C * 4]` input pixels: regions inside which nothing counts as background
 * @source torchvision `RoIHeads.select_training_samples`; the crowd rule is Detectron's
 */
export function roiTargets(
  proposals: Float32Array,
  truths: { readonly boxes: Boxes; readonly labels: Int32Array },
  crowds: Boxes,
  { match, sample }: { match: MatchOptions; sample: SampleOptions },
  random: Random,
): RoiTargets {
  const candidates = concatFloat32([proposals, truths.boxes])
  const matches = matchBoxes(candidates, truths.boxes, match)
  ignoreCrowds(matches, candidates, crowds)
  const { positives, negatives } = sampleMatches(matches, sample, random)
  const foreground = takeBoxes(candidates, positives)
  const matched = Int32Array.from(positives, (i) => matches.matchedIndex[i]!)
  const labels = new Int32Array(positives.length + negatives.length)
  for (let k = 0; k < matched.length; k++) labels[k] = truths.labels[matched[k]!]!
  const own = takeBoxes(truths.boxes, matched)
  return {
    boxes: concatFloat32([foreground, takeBoxes(candidates, negatives)]),
    labels,
    truths: own,
    deltas: encodeBoxes(own, foreground, roiCoderWeights),
  }
}
