import { type Rule, withDefaults } from "../core/options.js"
import { inclusiveIou } from "./voc.js"

const atLeastOne: Rule = (value) => (Number.isInteger(value) && (value as number) >= 1 ? undefined : "1 or more")

/**
 * Share of images whose true class is not among the `k` best scored. Of equal scores the class with the lower number
 * comes first. NaN without images.
 * @param scores `[N * K]` image by image, any monotone score (logits will do)
 * @param labels `[N]` 0..K-1
 */
export function topKError(scores: ArrayLike<number>, labels: ArrayLike<number>, classCount: number, k: number): number {
  if (scores.length !== labels.length * classCount) {
    throw new Error(
      `topKError: expected ${labels.length} * ${classCount} scores, got ${scores.length} (N images * K classes)`,
    )
  }
  let wrong = 0
  for (let n = 0; n < labels.length; n++) {
    const row = n * classCount
    const truth = scores[row + labels[n]!]!
    let ahead = 0
    for (let c = 0; c < classCount; c++) {
      const score = scores[row + c]!
      if (score > truth || (score === truth && c < labels[n]!)) ahead++
    }
    if (ahead >= k || Number.isNaN(truth)) wrong++
  }
  return wrong / labels.length
}

/** One image of the localization task. */
export interface LocalizationImage {
  /** Best guess first. `box` is left, top, right, bottom, the last pixel belonging to it. */
  readonly guesses: readonly { readonly label: number; readonly box: readonly number[] }[]
  readonly truths: readonly { readonly label: number; readonly box: readonly number[] }[]
  /** Left out of the count altogether. */
  readonly blacklisted?: boolean
}

export interface LocalizationOptions {
  /** How many guesses count. */
  readonly guesses: number
  /** An overlap of exactly this is right. */
  readonly iouThreshold: number
}

/** @source ILSVRC localization evaluation: 5 guesses, overlap >= 0.5 */
export const localizationDefaults: LocalizationOptions = { guesses: 5, iouThreshold: 0.5 }

/**
 * ImageNet's localization error: an image is right when one of its first guesses has a truth's class and overlaps it
 * enough, pixels inclusive ("+1"). `classification` is the same without the boxes. NaN without images.
 * @source ILSVRC localization evaluation code: mean over images of min over guesses and truths of max(d, f)
 */
export function localizationError(
  images: readonly LocalizationImage[],
  overrides: Partial<LocalizationOptions> = {},
): { localization: number; classification: number; images: number } {
  const options = withDefaults("localizationError", localizationDefaults, overrides, { guesses: atLeastOne })
  let counted = 0
  let misplaced = 0
  let misnamed = 0
  for (const { guesses, truths, blacklisted } of images) {
    if (blacklisted) continue
    counted++
    let named = false
    let placed = false
    for (const guess of guesses.slice(0, options.guesses)) {
      for (const truth of truths) {
        if (guess.label !== truth.label) continue
        named = true
        placed ||= inclusiveIou(guess.box, 0, truth.box, 0) >= options.iouThreshold
      }
    }
    if (!named) misnamed++
    if (!placed) misplaced++
  }
  return { localization: misplaced / counted, classification: misnamed / counted, images: counted }
}
