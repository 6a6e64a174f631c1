import { type Random, shuffleFirst } from "../core/random.js"
import type { Matches } from "./matcher.js"

export interface SampleOptions {
  /** How many boxes to draw. */
  readonly batchSizePerImage: number
  /** At most this share of them positive; negatives fill the rest. */
  readonly positiveFraction: number
}

/**
 * Draws positives and negatives without replacement.
 * @returns indices into the matched boxes, ascending within each; fewer than `count` where there are not enough
 * @source torchvision `BalancedPositiveNegativeSampler`
 */
export function sampleMatches(
  matches: Matches,
  { batchSizePerImage, positiveFraction }: SampleOptions,
  random: Random,
): { positives: Int32Array; negatives: Int32Array } {
  const positives = draw(matches.positive, Math.floor(batchSizePerImage * positiveFraction), random)
  const negatives = draw(matches.negative, batchSizePerImage - positives.length, random)
  return { positives, negatives }
}

function draw(mask: Uint8Array, count: number, random: Random): Int32Array {
  const all = new Int32Array(mask.length)
  let found = 0
  for (let i = 0; i < mask.length; i++) if (mask[i]) all[found++] = i
  const candidates = all.subarray(0, found)
  if (found > count) shuffleFirst(candidates, count, random)
  return candidates.subarray(0, count).slice().sort()
}
