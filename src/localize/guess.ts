import type { RgbImage } from "../../datasets/image/rgb.js"
import { DataError } from "../core/errors.js"
import { bestClasses } from "../eval/classification.js"
import { localizationDefaults } from "../eval/imagenet.js"
import type { GuessClasses } from "./localize-dataset.js"

/** What is asked of an image classifier, or of several that speak as one. */
export interface ClassScorer {
  /** Names of its classes 0..K-1. */
  readonly classes: readonly string[]
  /** Scores `[n * K]`. */
  score(images: readonly RgbImage[]): Promise<Float32Array>
}

/**
 * A classifier's five best classes of an image, as the localizer's labels.
 * @param classes names of the localizer's classes 1..K
 * @throws DataError for a class that the localizer does not know
 * @source ImageNet's localization task counts five guesses
 */
export function classifierGuesses(scorer: ClassScorer, classes: readonly string[]): GuessClasses {
  const labels = scorer.classes.map((name) => {
    const label = classes.indexOf(name) + 1
    if (label === 0)
      throw new DataError(`the classifier's class "${name}" is not among the localizer's. Both need the same classes`)
    return label
  })
  return async (image) => {
    const best = bestClasses(await scorer.score([image]), localizationDefaults.guesses)
    return best.map((at) => labels[at]!)
  }
}
