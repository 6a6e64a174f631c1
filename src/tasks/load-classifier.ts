import type { z } from "zod"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { UsageError } from "../core/errors.js"
import { decodePixels } from "../predict/images.js"
import { type ClassGuess, guessClasses } from "./class-lines.js"
import { parseOptions } from "./config.js"
import { openScorer } from "./open-scorer.js"
import { loadClassifierSchema } from "./options/classify.js"

/** A classifier, or several as one, ready to run. It holds the networks' memory until `dispose`. */
export interface ClassifierHandle {
  /** Names of the classes 0..K-1. */
  readonly classes: readonly string[]
  /**
   * The best classes of one image (a path, the bytes of an image file, or decoded RGB pixels), best first.
   * @param top how many
   * @throws DataError when the image cannot be read
   */
  classify(image: string | Uint8Array | RgbImage, options?: { readonly top?: number }): Promise<readonly ClassGuess[]>
  /** Frees the networks' memory. `using` calls it at the end of its block. */
  dispose(): void
  [Symbol.dispose](): void
}

/**
 * Loads a trained classifier for use from code.
 * @param weights a file that `resdet classify train` or `resdet import` wrote; or several, whose scores are averaged
 * @throws DataError when a file is no classifier, or their classes differ; UserError when the engine cannot run here
 */
export async function loadClassifier(
  weights: string | readonly string[],
  options: z.input<typeof loadClassifierSchema> = {},
): Promise<ClassifierHandle> {
  const config = parseOptions("loadClassifier", loadClassifierSchema, options)
  const scorer = await openScorer({ ...config, weights: [weights].flat() }, { log: () => {} })
  let disposed = false
  const dispose = () => {
    if (!disposed) scorer.dispose()
    disposed = true
  }
  return {
    classes: scorer.classes,
    async classify(image, { top = 5 } = {}) {
      if (disposed) throw new Error("classify: expected a classifier in use, got one that was disposed of")
      if (!(Number.isInteger(top) && top >= 1)) {
        throw new UsageError(`classify: expected top to be a whole number, 1 or more, got ${top}`)
      }
      const pixels = typeof image === "string" || image instanceof Uint8Array ? await decodePixels(image) : image
      const [guesses] = await guessClasses(scorer, [pixels], top)
      return guesses!
    },
    dispose,
    [Symbol.dispose]: dispose,
  }
}
