import type { Fault } from "../dataset.js"
import type { Photo, PhotoProblem } from "../open-sample.js"
import type { PhotoFaults } from "../photo-faults.js"
import { ahead } from "./ahead.js"

/** A batch made of samples, and what was wrong with their photos. */
export interface Collated<Batch> {
  /** Undefined when none of the samples could be used. */
  readonly batch: Batch | undefined
  readonly problems: readonly (readonly [Photo, readonly PhotoProblem[]])[]
}

/** Where a batch stands: go on after a break with `epoch(epoch, index + 1)`. */
interface Place {
  readonly epoch: number
  /** Position in the epoch, from 0. */
  readonly index: number
}

/** What a loader is made of. */
export interface LoaderParts<Sample, Batch> {
  readonly batchesPerEpoch: number
  /** The samples of each batch of an epoch: a function of the seed and the epoch alone. */
  plan(epoch: number): readonly (readonly Sample[])[]
  /** Makes a batch, here or in worker threads: a function of the samples and their place alone. */
  collate(samples: readonly Sample[], place: Place): Promise<Collated<Batch>>
  /** How many batches are made ready ahead of the consumer. */
  readonly prefetch: number
  readonly faults: PhotoFaults
  /** Ends worker threads. */
  close?(): Promise<void>
}

/** A batch with its place, and how long the consumer waited for it; milliseconds. */
export type Loaded<Batch> = Batch & Place & { readonly waitedMs: number }

/**
 * Makes batches ahead of whoever takes them. Those of an epoch are a function of the seed and the epoch: neither the number
 * of workers nor a break in between changes them. Photos that cannot be used are left out of their batch; a batch that
 * loses all of them is not handed out.
 */
export class Loader<Sample, Batch extends object> {
  readonly batchesPerEpoch: number
  readonly #parts: LoaderParts<Sample, Batch>

  constructor(parts: LoaderParts<Sample, Batch>) {
    this.#parts = parts
    this.batchesPerEpoch = parts.batchesPerEpoch
  }

  /** Faults of photos met so far, each told once. */
  get faults(): readonly Fault[] {
    return this.#parts.faults.faults
  }

  /**
   * The batches of one epoch from `start` on.
   * @param isOwn which of them are made, by their place in the epoch; all when left out
   * @throws DataError when a photo is faulty and its policy is to stop
   */
  async *epoch(
    epoch: number,
    start = 0,
    isOwn: (index: number) => boolean = () => true,
  ): AsyncGenerator<Loaded<Batch>, void, undefined> {
    const { faults, prefetch } = this.#parts
    const plan = [...this.#parts.plan(epoch).entries()].filter(([index]) => index >= start && isOwn(index))
    const collate = ([index, samples]: (typeof plan)[number]) => this.#parts.collate(samples, { epoch, index })
    for await (const { item, result, waitedMs } of ahead(plan, collate, prefetch)) {
      for (const [photo, problems] of result.problems) faults.add(photo, problems)
      if (result.batch !== undefined) yield { ...result.batch, epoch, index: item[0], waitedMs }
    }
  }

  /** The first images of the first epoch, as its first batch has them; undefined where none can be used. @param most how many */
  async look(most: number): Promise<Batch | undefined> {
    const samples = this.#parts.plan(0)[0]?.slice(0, most) ?? []
    return samples.length === 0 ? undefined : (await this.#parts.collate(samples, { epoch: 0, index: 0 })).batch
  }

  async close(): Promise<void> {
    await this.#parts.close?.()
  }
}

/** Samples in batches of `size`; those that do not fill one are left out. */
export function fullBatches<Sample>(samples: readonly Sample[], size: number): Sample[][] {
  return Array.from({ length: Math.floor(samples.length / size) }, (_, b) => samples.slice(b * size, (b + 1) * size))
}
