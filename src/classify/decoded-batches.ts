import type { RgbImage } from "../../datasets/image/rgb.js"
import type { LabelledSet } from "../../datasets/labelled-set.js"
import { ahead } from "../../datasets/loader/ahead.js"
import { UserError } from "../core/errors.js"

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
  const chunks = Array.from({ length: Math.ceil(which.length / size) }, (_, i) => which.slice(i * size, (i + 1) * size))
  let end = 0
  for await (const { item, result } of ahead(
    chunks,
    (chunk) => Promise.all(chunk.map((index) => read(set, index))),
    1,
  )) {
    end += result.length
    const readable = result.flatMap((one) => (one instanceof UserError ? [] : [one]))
    yield {
      images: readable.map(({ image }) => image),
      indices: readable.map(({ index }) => index),
      failed: result.flatMap((one, i) =>
        one instanceof UserError ? [{ name: set.name(item[i]!), message: one.message }] : [],
      ),
      end,
    }
  }
}

async function read(set: LabelledSet, index: number) {
  try {
    return { index, image: await set.image(index) }
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}
