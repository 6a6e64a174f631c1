import type { RgbImage } from "../../datasets/image/rgb.js"
import type { LabelledSet } from "../../datasets/labelled-set.js"
import { UserError } from "../tensor/errors.js"

/** An image of a set that could not be read, and why. */
export interface UnreadImage {
  readonly name: string
  readonly message: string
}

export interface DecodedBatch {
  readonly images: readonly RgbImage[]
  /** Which images of the set these are. */
  readonly indices: readonly number[]
  readonly failed: readonly UnreadImage[]
  /** How many images of the set are done with this batch. */
  readonly end: number
}

/**
 * A set's images in order, `size` at a time; the next ones are decoded while these are worked on.
 * @param which of its images; all of them when left out
 */
export async function* decodedBatches(
  set: LabelledSet,
  size: number,
  which: readonly number[] = Array.from(set.labels, (_, index) => index),
): AsyncGenerator<DecodedBatch> {
  let next = decodeSome(set, which.slice(0, size))
  for (let from = 0; from < which.length; from += size) {
    const decoded = await next
    next = decodeSome(set, which.slice(from + size, from + 2 * size))
    const images: RgbImage[] = []
    const indices: number[] = []
    const failed: UnreadImage[] = []
    for (const { index, image, error } of decoded) {
      if (image !== undefined) {
        images.push(image)
        indices.push(index)
      } else if (error instanceof UserError) failed.push({ name: set.name(index), message: error.message })
      else throw error
    }
    yield { images, indices, failed, end: Math.min(from + size, which.length) }
  }
}

/** Never rejects: a failure is kept with its image. */
function decodeSome(set: LabelledSet, indices: readonly number[]) {
  return Promise.all(
    indices.map(async (index): Promise<{ index: number; image?: RgbImage; error?: unknown }> => {
      try {
        return { index, image: await set.image(index) }
      } catch (error) {
        return { index, error }
      }
    }),
  )
}
