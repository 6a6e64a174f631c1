import type { LabelledSet } from "../../datasets/labelled-set.js"
import { DataError } from "../core/errors.js"
import { decodedBatches, type UnreadImage } from "./decoded-batches.js"
import type { Scorer } from "./scorer.js"

/** What was scored of a set: R of its N images could be read. */
export interface ScoredSet {
  /** `[R * K]`, image by image; each image's add up to 1. */
  readonly scores: Float32Array
  /** `[R]` 0..K-1. */
  readonly labels: Int32Array
  /** `[R]` which images of the set these are. */
  readonly images: Int32Array
  /** Those that could not be read. */
  readonly failed: readonly UnreadImage[]
}

export interface ScoreOptions {
  /** How many images are decoded ahead and scored together. */
  readonly batch: number
  /** Ends the work after the images at hand. */
  readonly signal?: AbortSignal
  /** Called with how many images are done. */
  readonly onImages?: (done: number) => void
}

/**
 * Scores every image of a set; what cannot be decoded is told in `failed` and left out. Only `batch` images (twice) are
 * in memory at a time, beside the scores.
 * @throws DataError when the set's classes are not the scorer's
 */
export async function scoreSet(set: LabelledSet, scorer: Scorer, options: ScoreOptions): Promise<ScoredSet> {
  checkClasses(set, scorer.classes)
  const { batch, signal, onImages } = options
  const count = set.labels.length
  const classCount = scorer.classes.length
  const scores = new Float32Array(count * classCount)
  const labels = new Int32Array(count)
  const images = new Int32Array(count)
  const failed: UnreadImage[] = []
  let read = 0
  for await (const part of decodedBatches(set, batch)) {
    if (signal?.aborted) break
    for (const [i, index] of part.indices.entries()) {
      labels[read + i] = set.labels[index]!
      images[read + i] = index
    }
    failed.push(...part.failed)
    if (part.images.length > 0) scores.set(await scorer.score(part.images), read * classCount)
    read += part.images.length
    onImages?.(part.end)
    if (signal?.aborted) break
  }
  return {
    scores: scores.subarray(0, read * classCount),
    labels: labels.subarray(0, read),
    images: images.subarray(0, read),
    failed,
  }
}

/** Whether a classifier's classes have only numbers for names: then those of a set stand for them, in order. */
export function areNumbered(classes: readonly string[]): boolean {
  return classes.every((name, k) => name === String(k))
}

function checkClasses({ source, classes }: LabelledSet, known: readonly string[]): void {
  if (classes.length !== known.length) {
    throw new DataError(`${source}: has ${classes.length} classes, the classifier has ${known.length}`)
  }
  const place = areNumbered(known) ? -1 : known.findIndex((name, k) => name !== classes[k])
  if (place >= 0) {
    throw new DataError(
      `${source}: class ${place} is "${classes[place]}", but "${known[place]}" in the classifier. Rename one of them`,
    )
  }
}
