import { UsageError } from "../../src/tensor/errors.js"
import { imageNet, type Normalisation } from "../../src/tensor/normalisation.js"
import { atLeastOne, fraction, wholeNumber, withDefaults } from "../../src/tensor/options.js"
import { mixSeeds, seededRandom } from "../../src/tensor/random.js"
import type { CifarSet } from "../cifar.js"
import type { Fault } from "../dataset.js"
import { FaultLog } from "../faults.js"
import { copyWindow, drawShift, normalisationTable } from "../image/augment.js"
import { decodeDefaults } from "../image/decode.js"
import type { ImageFolderSet } from "../image-folder.js"
import type { ReadLabelledSet } from "../read-labelled.js"
import { ahead } from "./ahead.js"
import { draw, planBatches } from "./order.js"
import { defaultWorkers, ImagePool } from "./pool.js"

/** Pictures ready for a classifier, with their classes. */
export interface LabelledBatch {
  /** Position in the epoch, from 0: go on after a break with `epoch(epoch, index + 1)`. */
  readonly index: number
  /** `[N]` positions in the set. */
  readonly images: readonly number[]
  /** `[N]` 0..K-1. */
  readonly labels: Int32Array
  /** `[N, size, size, 3]` float32, normalised RGB. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  /** How long the consumer waited for this batch; milliseconds. */
  readonly waitedMs: number
}

export interface LabelledLoaderOptions extends Normalisation {
  readonly batchSize: number
  readonly seed: number
  /** Side of the square input in pixels; pictures of CIFAR-10 have theirs. */
  readonly size: number
  /** Shortest and longest that the shorter side of an image file is made, before it is cropped. */
  readonly shorter: readonly [number, number]
  /** Pixels of frame around a picture of CIFAR-10, before it is cropped. */
  readonly padding: number
  /** The chance that a crop is mirrored. */
  readonly mirror: number
  /** Deviation of the draws along the colours' principal components; image files only. */
  readonly colour: number
  /** Threads that decode image files; 0: none, `null`: one less than there are cores, at most four. */
  readonly workers: number | null
  /** How many batches of image files are made ready ahead of the consumer. */
  readonly prefetch: number
}

/** @source He et al. 2016 sections 3.4 (image files) and 4.2 (CIFAR-10); colour: fb.resnet.torch */
export const labelledLoaderDefaults: LabelledLoaderOptions = {
  batchSize: 256,
  seed: 0,
  size: 224,
  shorter: [256, 480],
  padding: 4,
  mirror: 0.5,
  colour: 0.1,
  workers: null,
  prefetch: 4,
  ...imageNet,
}

/**
 * The training batches of a classification set: another order every epoch, random crops, full batches only. Those of an epoch are a function of the seed and the epoch alone: neither the
 * number of workers nor a break in between changes them.
 */
export interface LabelledLoader {
  readonly batchesPerEpoch: number
  /** Faults of images met so far, each told once. */
  readonly faults: readonly Fault[]
  /** The batches of one epoch from `start` on; one that loses all its images is not handed out. */
  epoch(epoch: number, start?: number): AsyncIterable<LabelledBatch>
  /** Ends the worker threads. */
  close(): Promise<void>
}

/** @throws UsageError for an option that makes no sense, or fewer images than make a batch */
export function labelledLoader(set: ReadLabelledSet, overrides: Partial<LabelledLoaderOptions> = {}): LabelledLoader {
  const options = withDefaults("labelledLoader", labelledLoaderDefaults, overrides, {
    batchSize: atLeastOne,
    size: atLeastOne,
    padding: wholeNumber,
    mirror: fraction,
    prefetch: atLeastOne,
  })
  const { batchSize } = options
  const [least, most] = options.shorter
  if (!(Number.isInteger(least) && Number.isInteger(most) && least >= options.size && most >= least)) {
    throw new UsageError(
      `labelledLoader: expected shorter to be two whole numbers, ${options.size} (the crop) or more, the larger one last, got [${least}, ${most}]`,
    )
  }
  if (set.labels.length < batchSize) {
    throw new UsageError(
      `${set.source}: ${set.labels.length} images do not fill a batch of ${batchSize}. Choose a smaller --batch`,
    )
  }
  return set.format === "cifar10" ? new MemoryLoader(set, options) : new FolderLoader(set, options)
}

abstract class Loader {
  readonly batchesPerEpoch: number
  protected readonly set: ReadLabelledSet
  protected readonly options: LabelledLoaderOptions
  readonly #ratios: readonly number[]

  constructor(set: ReadLabelledSet, options: LabelledLoaderOptions) {
    this.set = set
    this.options = options
    this.#ratios = Array.from(set.labels, () => 1)
    this.batchesPerEpoch = Math.floor(set.labels.length / options.batchSize)
  }

  protected plan(epoch: number): number[][] {
    const { batchSize, seed } = this.options
    const how = { batchSize, seed, shuffle: true, dropLast: true, aspectGroups: 0 }
    return planBatches(this.#ratios, epoch, how)
  }

  /** The seed of an image's random crop. */
  protected seedOf(epoch: number, image: number): number {
    return mixSeeds(this.options.seed, epoch, draw.crop, image)
  }

  protected batch(images: readonly number[], index: number, pixels: Float32Array, side: number, waitedMs: number) {
    const labels = Int32Array.from(images, (image) => this.set.labels[image]!)
    return { index, images, labels, pixels, shape: [images.length, side, side, 3] as const, waitedMs }
  }
}

/** A set in memory: making a batch takes a few milliseconds, so that nothing is made ahead. */
class MemoryLoader extends Loader implements LabelledLoader {
  readonly faults: readonly Fault[] = []
  readonly #pixels: Uint8Array
  readonly #side: number
  readonly #table: Float32Array

  constructor(set: CifarSet, options: LabelledLoaderOptions) {
    super(set, options)
    this.#pixels = set.pixels
    this.#side = set.side
    this.#table = normalisationTable(options)
  }

  async *epoch(epoch: number, start = 0): AsyncGenerator<LabelledBatch, void, undefined> {
    const plan = this.plan(epoch)
    const { padding, mirror } = this.options
    const size = this.#side
    const values = 3 * size * size
    for (let index = start; index < plan.length; index++) {
      const since = performance.now()
      const images = plan[index]!
      const pixels = new Float32Array(images.length * values)
      images.forEach((image, n) => {
        const window = drawShift(padding, mirror, seededRandom(this.seedOf(epoch, image)))
        copyWindow(this.#pixels, image * values, window, { out: pixels, offset: n * values, size }, this.#table)
      })
      yield this.batch(images, index, pixels, size, performance.now() - since)
    }
  }

  async close(): Promise<void> {}
}

/** Image files, decoded and cropped in worker threads ahead of the consumer. */
class FolderLoader extends Loader implements LabelledLoader {
  readonly #set: ImageFolderSet
  readonly #log = new FaultLog()
  readonly #told = new Set<number>()
  readonly #pool: ImagePool<"crops">

  constructor(set: ImageFolderSet, options: LabelledLoaderOptions) {
    super(set, options)
    this.#set = set
    this.#pool = new ImagePool("crops", options.workers ?? defaultWorkers())
  }

  get faults(): readonly Fault[] {
    return this.#log.faults
  }

  async *epoch(epoch: number, start = 0): AsyncGenerator<LabelledBatch, void, undefined> {
    const plan = this.plan(epoch)
    const { size, shorter, mirror, colour, mean, std } = this.options
    const { maxPixels } = decodeDefaults
    const jobs = plan.slice(start).map((images) => () => {
      const files = images.map((image) => this.#set.files[image]!)
      const seeds = images.map((image) => this.seedOf(epoch, image))
      return this.#pool.run({ files, seeds, size, shorter, mirror, colour, maxPixels, mean, std })
    })
    let index = start - 1
    for await (const { result, waitedMs } of ahead(jobs, this.options.prefetch)) {
      const planned = plan[++index]!
      for (const [i, problem] of result.problems.entries()) if (problem) this.#tell(planned[i]!, problem)
      const images = planned.filter((_, i) => result.rows[i]! >= 0)
      if (images.length > 0) yield this.batch(images, index, result.pixels, size, waitedMs)
    }
  }

  close(): Promise<void> {
    return this.#pool.close()
  }

  #tell(image: number, { kind, message }: Pick<Fault, "kind" | "message">): void {
    if (this.#told.has(image)) return
    this.#told.add(image)
    this.#log.report(kind, this.set.name(image), message)
  }
}
