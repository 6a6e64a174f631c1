import type { Dataset, Fault, ImageRecord } from "../../datasets/dataset.js"
import { cutWindow } from "../../datasets/image/augment.js"
import { ahead } from "../../datasets/loader/ahead.js"
import { UsageError } from "../tensor/errors.js"
import { imageNet, type Normalisation } from "../tensor/normalisation.js"
import { atLeastOne, withDefaults } from "../tensor/options.js"
import { mixSeeds, seededRandom, shuffleFirst } from "../tensor/random.js"
import { type CropOptions, cropDefaults, cropTruths, drawCrop } from "./crop.js"
import { ImageReader } from "./image-reader.js"
import { type ClassTruths, classTruths } from "./truths.js"

export interface CropLoaderOptions extends Normalisation {
  /** Crops a step, each of another image. */
  readonly batch: number
  readonly seed: number
  readonly crop: CropOptions
  /** How many batches are made ready ahead of the consumer. */
  readonly prefetch: number
}

/** @source He et al. 2015, appendix C: 256 images a step; fewer, with the rate to match, where memory is short */
export const cropLoaderDefaults: CropLoaderOptions = {
  batch: 256,
  seed: 0,
  crop: cropDefaults,
  prefetch: 2,
  ...imageNet,
}

/** Random crops of some images with their truths. */
export interface CropBatch {
  /** `[N * side * side * 3]` normalised RGB. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  /** The N crops' truths in input pixels, class by class. */
  readonly truths: readonly ClassTruths[][]
  readonly records: readonly ImageRecord[]
  /** Position in the epoch, from 0. */
  readonly index: number
  /** How long the consumer waited for this batch. */
  readonly waitedMs: number
}

type MadeBatch = Omit<CropBatch, "index" | "waitedMs">

/** Purposes of the random draws of an epoch, so that none repeats another's numbers. */
const draws = { order: 1, crop: 2 } as const

/**
 * Random crops of a set with boxes. The batches of an epoch are a function of the seed and the epoch alone; images that do
 * not fill a batch sit out that epoch. Images without objects take no part: they have no class whose output could learn.
 */
export class CropLoader {
  readonly options: CropLoaderOptions
  readonly batchesPerEpoch: number
  readonly #images: readonly { readonly record: ImageRecord; readonly truths: readonly ClassTruths[] }[]
  readonly #reader = new ImageReader()

  /** @throws UsageError for an option that makes no sense, or fewer images with objects than make a batch */
  constructor(dataset: Pick<Dataset, "images" | "source">, overrides: Partial<CropLoaderOptions> = {}) {
    this.options = withDefaults("CropLoader", cropLoaderDefaults, overrides, {
      batch: atLeastOne,
      prefetch: atLeastOne,
    })
    this.#images = dataset.images.flatMap((record) => {
      const truths = classTruths(record)
      return truths.length > 0 ? [{ record, truths }] : []
    })
    const { batch } = this.options
    this.batchesPerEpoch = Math.floor(this.#images.length / batch)
    if (this.batchesPerEpoch > 0) return
    throw new UsageError(
      `${dataset.source}: ${this.#images.length} images with objects do not fill a batch of ${batch}. Choose a smaller --batch`,
    )
  }

  /** Images that take part. */
  get count(): number {
    return this.#images.length
  }

  /** What could not be read; those images are left out of their batches. */
  get faults(): readonly Fault[] {
    return this.#reader.faults
  }

  /** The batches of one epoch from `start` on. */
  async *epoch(epoch: number, start = 0): AsyncGenerator<CropBatch, void, undefined> {
    const { batch, prefetch, seed } = this.options
    const order = Int32Array.from(this.#images, (_, i) => i)
    shuffleFirst(order, order.length, seededRandom(mixSeeds(seed, epoch, draws.order)))
    const jobs = Array.from({ length: Math.max(0, this.batchesPerEpoch - start) }, (_, b) => {
      const positions = order.subarray((start + b) * batch, (start + b + 1) * batch)
      return () => this.#batch(positions, epoch)
    })
    let index = start
    for await (const { result, waitedMs } of ahead(jobs, prefetch)) {
      if (result.records.length > 0) yield { ...result, index, waitedMs }
      index++
    }
  }

  async #batch(positions: Int32Array, epoch: number): Promise<MadeBatch> {
    const { seed, crop, mean, std } = this.options
    const { side } = crop
    const decoded = await Promise.all(
      Array.from(positions, (position) => this.#reader.read(this.#images[position]!.record.file)),
    )
    const readable = decoded.flatMap((image, i) => (image ? [{ image, position: positions[i]! }] : []))
    const length = side * side * 3
    const pixels = new Float32Array(readable.length * length)
    const truths = readable.map(({ image, position }, n) => {
      const own = this.#images[position]!.truths
      const random = seededRandom(mixSeeds(seed, epoch, draws.crop, position))
      const objects = Float32Array.from(own.flatMap(({ boxes }) => [...boxes]))
      const chosen = drawCrop([image.height, image.width], objects, crop, random)
      cutWindow(image, chosen, { out: pixels, offset: n * length, size: side, mean, std })
      return own.map((one) => cropTruths(one, chosen, crop.minVisible))
    })
    const records = readable.map(({ position }) => this.#images[position]!.record)
    return { pixels, shape: [readable.length, side, side, 3], truths, records }
  }
}
