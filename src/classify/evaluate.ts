import type { LabelledSet } from "../../datasets/labelled-set.js"
import { DataError } from "../core/errors.js"
import type { Peers } from "../train/agreement.js"
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
  /** Where several processes share the images out, in batches that are those of one process. */
  readonly peers?: Peers | undefined
  /** Called with how many images are done. */
  readonly onImages?: (done: number) => void
}

/**
 * Scores every image of a set; what cannot be decoded is told in `failed` and left out. Only `batch` images (twice) are
 * in memory at a time, beside the scores.
 * @throws DataError when the set's classes are not the scorer's
 */
export async function scoreSet(set: LabelledSet, scorer: Scorer, options: ScoreOptions): Promise<ScoredSet> {
  checkClasses(set, scorer)
  const { batch, signal, peers, onImages } = options
  const { rank, size } = peers ?? { rank: 0, size: 1 }
  const count = set.labels.length
  const own = Array.from(set.labels, (_, index) => index).filter((index) => Math.floor(index / batch) % size === rank)
  const parts: ScoredPart[] = []
  for await (const part of decodedBatches(set, batch, own)) {
    if (signal?.aborted) break
    const { images, indices, failed } = part
    parts.push({ indices, failed, scores: images.length > 0 ? await scorer.score(images) : new Float32Array(0) })
    onImages?.(Math.min(part.end * size, count))
    if (signal?.aborted) break
  }
  const all = peers === undefined ? parts : inTurn(await peers.exchange(parts))
  return joined(all, set.labels, scorer.classes.length)
}

/** A batch, scored. */
interface ScoredPart {
  readonly indices: readonly number[]
  readonly failed: readonly UnreadImage[]
  readonly scores: Float32Array
}

/** The shares of several processes in the order of one. */
function inTurn<Part>(shares: readonly (readonly Part[])[]): Part[] {
  const rounds = Math.max(...shares.map(({ length }) => length))
  return Array.from({ length: rounds }, (_, i) => shares.flatMap((share) => share.slice(i, i + 1))).flat()
}

function joined(parts: readonly ScoredPart[], labelOf: ArrayLike<number>, classCount: number): ScoredSet {
  const images = Int32Array.from(parts.flatMap(({ indices }) => indices))
  const scores = new Float32Array(images.length * classCount)
  let at = 0
  for (const part of parts) {
    scores.set(part.scores, at)
    at += part.scores.length
  }
  return {
    ...{ scores, images, labels: images.map((index) => labelOf[index]!) },
    failed: parts.flatMap(({ failed }) => failed),
  }
}

function checkClasses({ source, classes }: LabelledSet, { classes: known, isNumbered }: Scorer): void {
  if (classes.length !== known.length) {
    throw new DataError(`${source}: has ${classes.length} classes, the classifier has ${known.length}`)
  }
  const place = isNumbered ? -1 : known.findIndex((name, k) => name !== classes[k])
  if (place >= 0) {
    throw new DataError(
      `${source}: class ${place} is "${classes[place]}", but "${known[place]}" in the classifier. Rename one of them`,
    )
  }
}
