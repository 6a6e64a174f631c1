import { UsageError } from "../../src/tensor/errors.js"
import { imageNet, type Normalisation } from "../../src/tensor/normalisation.js"
import { atLeastOne, fraction, positive, wholeNumber, withDefaults } from "../../src/tensor/options.js"
import { mixSeeds, seededRandom } from "../../src/tensor/random.js"
import type { Dataset, Fault, ImageRecord } from "../dataset.js"
import { FaultLog, type FaultPolicies, withPolicies } from "../faults.js"
import { nameInside } from "../folder.js"
import { decodeDefaults } from "../image/decode.js"
import { inputDivisor, sizeDefaults } from "../image/size.js"
import { ahead } from "./ahead.js"
import type { BatchJob, BatchResult } from "./job.js"
import { draw, type OrderOptions, planBatches } from "./order.js"
import { defaultWorkers, ImagePool } from "./pool.js"
import { drawRepeats, repeatedLength, repeatFactors } from "./repeats.js"
import { type InputTruths, placeTruths } from "./truths.js"

export interface LoaderOptions extends OrderOptions, Normalisation {
  /** Lengths of the shorter side in input pixels; with several, each batch draws one. */
  readonly sizes: readonly number[]
  readonly maxSize: number
  /** Height and width of a batch are multiples of this. */
  readonly divisor: number
  /** The chance that an image is mirrored. */
  readonly flip: number
  /** Threads that decode and resize; 0: none, `null`: one less than there are cores, at most four. */
  readonly workers: number | null
  /** How many batches are made ready ahead of the consumer. */
  readonly prefetch: number
  /** Images of classes that fewer than this share of the images have come several times an epoch; 0: every one once. */
  readonly repeatThreshold: number
  /** Whether images without objects take part. */
  readonly withoutObjects: "keep" | "drop"
  readonly maxPixels: number
  readonly policies: Partial<FaultPolicies>
}

/**
 * @source torchvision `references/detection/train.py` (2 images a device, flip 0.5, aspect-ratio-group-factor 3) and
 * `GeneralizedRCNNTransform` (800, 1333, multiples of 32); no repetitions: detectron2's REPEAT_THRESHOLD
 */
export const loaderDefaults: LoaderOptions = {
  batchSize: 2,
  shuffle: true,
  seed: 0,
  dropLast: false,
  aspectGroups: 3,
  sizes: [sizeDefaults.size],
  maxSize: sizeDefaults.maxSize,
  divisor: inputDivisor,
  flip: 0.5,
  workers: null,
  prefetch: 4,
  repeatThreshold: 0,
  withoutObjects: "keep",
  maxPixels: decodeDefaults.maxPixels,
  ...imageNet,
  policies: {},
}

/** One image of a batch with its truths in input pixels. */
export interface BatchImage extends InputTruths {
  readonly record: ImageRecord
  /** After resizing, before padding. */
  readonly height: number
  readonly width: number
  /** Input pixels = image pixels * scale. */
  readonly scaleY: number
  readonly scaleX: number
  readonly flipped: boolean
}

export interface Batch {
  readonly epoch: number
  /** Position in the epoch, from 0: go on after a break with `epoch(batch.epoch, batch.index + 1)`. */
  readonly index: number
  /** `[N, H, W, 3]` float32, normalised RGB, zero where padded. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  readonly images: readonly BatchImage[]
  /** How long the consumer waited for this batch. */
  readonly waitedMs: number
}

/**
 * Makes the batches of a data set in worker threads, ahead of whoever takes them. The batches of an epoch are a
 * function of the seed and the epoch: neither the number of workers nor a break in between changes them. Images that
 * cannot be used are left out of their batch and told in `faults`; a batch that loses all its images is not handed out.
 */
export class BatchLoader {
  readonly options: LoaderOptions
  /** The images that take part. */
  readonly images: readonly ImageRecord[]
  readonly #log: FaultLog
  readonly #source: string
  readonly #told = new Set<string>()
  readonly #ratios: readonly number[]
  readonly #factors: Float64Array
  readonly #pool: ImagePool<"batch">

  /** @throws UsageError for an option that makes no sense */
  constructor(dataset: Pick<Dataset, "images" | "source">, overrides: Partial<LoaderOptions> = {}) {
    this.options = withDefaults("BatchLoader", loaderDefaults, overrides, {
      batchSize: atLeastOne,
      maxSize: positive,
      divisor: atLeastOne,
      flip: fraction,
      prefetch: atLeastOne,
      aspectGroups: wholeNumber,
      repeatThreshold: fraction,
    })
    const { sizes, withoutObjects, policies, workers, repeatThreshold } = this.options
    if (sizes.length === 0 || !sizes.every((size) => size >= 1)) {
      throw new UsageError(`BatchLoader: expected sizes to be numbers of 1 or more, got [${sizes.join(", ")}]`)
    }
    const takesPart = (image: ImageRecord) => withoutObjects === "keep" || image.labels.length > 0
    this.images = dataset.images.filter(takesPart)
    this.#ratios = this.images.map(({ width, height }) => (width > 0 && height > 0 ? width / height : 1))
    this.#factors = repeatFactors(this.images, repeatThreshold)
    this.#log = new FaultLog(withPolicies(policies))
    this.#source = dataset.source
    this.#pool = new ImagePool("batch", workers ?? defaultWorkers())
  }

  /** Faults of images met so far, each told once. */
  get faults(): readonly Fault[] {
    return this.#log.faults
  }

  batchesPerEpoch(): number {
    const { batchSize, dropLast } = this.options
    const batches = repeatedLength(this.#factors) / batchSize
    return dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  /**
   * The batches of one epoch from `startBatch` on.
   * @throws DataError when an image is faulty and its policy is to stop
   */
  async *epoch(epoch: number, startBatch = 0): AsyncGenerator<Batch, void, undefined> {
    const repeats = drawRepeats(this.#factors, seededRandom(mixSeeds(this.options.seed, epoch, draw.repeats)))
    const plan = planBatches(this.#ratios, epoch, this.options, repeats)
    const jobs = plan.slice(startBatch).map((positions, i) => () => {
      return this.#pool.run(this.#job(positions, epoch, startBatch + i))
    })
    let index = startBatch
    for await (const { result, waitedMs } of ahead(jobs, this.options.prefetch)) {
      const images = this.#images(plan[index]!, epoch, result)
      const { pixels, shape } = result
      if (images.length > 0) yield { epoch, index, pixels, shape, images, waitedMs }
      index++
    }
  }

  /** Ends the worker threads. */
  close(): Promise<void> {
    return this.#pool.close()
  }

  #job(positions: readonly number[], epoch: number, index: number): BatchJob {
    const { sizes, maxSize, divisor, maxPixels, mean, std, seed } = this.options
    const chosen = seededRandom(mixSeeds(seed, epoch, draw.size, index)).integer(sizes.length)
    const { policies } = this.#log
    return {
      samples: positions.map((position) => {
        const { file, width, height } = this.#imageAt(position)
        return { source: file, width, height, flip: this.#flips(epoch, position) }
      }),
      size: sizes[chosen]!,
      maxSize,
      divisor,
      maxPixels,
      mean,
      std,
      skip: {
        truncated: policies["truncated-image"] === "skip",
        mismatched: policies["size-mismatch"] === "skip",
      },
    }
  }

  #imageAt(position: number): ImageRecord {
    return this.images[position % this.images.length]!
  }

  #flips(epoch: number, position: number): boolean {
    const { seed, flip } = this.options
    return flip > 0 && seededRandom(mixSeeds(seed, epoch, draw.flip, position)).uniform() < flip
  }

  #images(positions: readonly number[], epoch: number, result: BatchResult): BatchImage[] {
    return positions.flatMap((position, i) => {
      const record = this.#imageAt(position)
      const sample = result.samples[i]!
      if (sample.problem !== undefined) this.#tell(record, sample.problem)
      if (sample.row < 0) return []
      const { height, width } = sample
      const flipped = this.#flips(epoch, position)
      const scales = { scaleY: height / sample.imageHeight, scaleX: width / sample.imageWidth }
      return [{ record, height, width, ...scales, flipped, ...placeTruths(record, sample, flipped) }]
    })
  }

  #tell(record: ImageRecord, problem: Pick<Fault, "kind" | "message">): void {
    const file = nameInside(this.#source, record.file)
    const key = `${problem.kind} ${file}`
    if (this.#told.has(key)) return
    this.#told.add(key)
    this.#log.report(problem.kind, file, problem.message)
  }
}
