import type { Fault, ImageRecord } from "../../datasets/dataset.js"
import { ahead } from "../../datasets/loader/ahead.js"
import { takeBoxes } from "../boxes/clip.js"
import { encodeBoxes, roiCoderWeights } from "../boxes/coder.js"
import { type SampleOptions, sampleMatches } from "../boxes/sampler.js"
import { UsageError } from "../tensor/errors.js"
import { imageNet, type Normalisation } from "../tensor/normalisation.js"
import { atLeastOne, fraction, withDefaults } from "../tensor/options.js"
import { mixSeeds, seededRandom, shuffleFirst } from "../tensor/random.js"
import { ImageReader } from "./image-reader.js"
import { warpPixels } from "./pixels.js"
import type { RegionTruths } from "./region-network.js"
import type { RegionEntry } from "./regions.js"

export interface RegionLoaderOptions extends Normalisation {
  /** Regions a step. */
  readonly batch: number
  /** `region`: a batch's regions come from all over the set; `image`: those of an image stay together. */
  readonly centric: "region" | "image"
  /** What is drawn from each class of each image in an epoch. */
  readonly sample: SampleOptions
  /** Side of the square each region is warped to, in input pixels. */
  readonly side: number
  readonly flip: number
  readonly seed: number
  /** How many batches are made ready ahead of the consumer. */
  readonly prefetch: number
}

/**
 * @source He et al. 2015, appendix C: 256 regions a step, warped to 224, RoI-centric since the regions of one image are
 * too much alike. Girshick et al. 2014, section 2.3: a quarter positive. How often an image's regions come is ours.
 */
export const regionLoaderDefaults: RegionLoaderOptions = {
  batch: 256,
  centric: "region",
  sample: { batchSizePerImage: 8, positiveFraction: 0.25 },
  side: 224,
  flip: 0.5,
  seed: 0,
  prefetch: 2,
  ...imageNet,
}

/** Warped regions with what they hold. */
export interface RegionBatch extends RegionTruths {
  /** `[R * side * side * 3]` normalised RGB. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  /** Each region's image. */
  readonly records: readonly ImageRecord[]
  /** Position in the epoch, from 0. */
  readonly index: number
  readonly waitedMs: number
}

type MadeBatch = Omit<RegionBatch, "index" | "waitedMs">

/** A region drawn for an epoch. */
interface Drawn {
  readonly entry: number
  readonly region: number
}

/** Purposes of the random draws of an epoch, so that none repeats another's numbers. */
const draws = { order: 1, sample: 2, flip: 3 } as const

/**
 * The second stage's batches: those of an epoch are a function of the seed and the epoch alone. An image is decoded for
 * each batch that has a region of it, which is what `region` costs.
 */
export class RegionLoader {
  readonly options: RegionLoaderOptions
  readonly batchesPerEpoch: number
  readonly #entries: readonly RegionEntry[]
  readonly #reader = new ImageReader()

  /** @throws UsageError for an option that makes no sense, or fewer regions than make a batch */
  constructor(entries: readonly RegionEntry[], overrides: Partial<RegionLoaderOptions> = {}) {
    this.options = withDefaults("RegionLoader", regionLoaderDefaults, overrides, {
      batch: atLeastOne,
      side: atLeastOne,
      flip: fraction,
      prefetch: atLeastOne,
      centric: (value) => (value === "region" || value === "image" ? undefined : "region or image"),
    })
    this.#entries = entries
    const { batch } = this.options
    const { length } = this.#draw(0)
    this.batchesPerEpoch = Math.floor(length / batch)
    if (this.batchesPerEpoch > 0) return
    throw new UsageError(`${length} regions do not fill a batch of ${batch}. Choose a smaller --batch`)
  }

  /** What could not be read any more; those regions are left out of their batches. */
  get faults(): readonly Fault[] {
    return this.#reader.faults
  }

  /** The batches of one epoch from `start` on. */
  async *epoch(epoch: number, start = 0): AsyncGenerator<RegionBatch, void, undefined> {
    const { batch, prefetch } = this.options
    const drawn = this.#draw(epoch)
    const jobs = Array.from({ length: Math.max(0, this.batchesPerEpoch - start) }, (_, b) => {
      const regions = drawn.slice((start + b) * batch, (start + b + 1) * batch)
      return () => this.#batch(regions, epoch)
    })
    let index = start
    for await (const { result, waitedMs } of ahead(jobs, prefetch)) {
      if (result.labels.length > 0) yield { ...result, index, waitedMs }
      index++
    }
  }

  /** The regions of an epoch in their order; as many in every epoch. */
  #draw(epoch: number): Drawn[] {
    const { seed, sample, centric } = this.options
    const byEntry = this.#entries.map(({ matches }, entry): Drawn[] => {
      const random = seededRandom(mixSeeds(seed, epoch, draws.sample, entry))
      const { positives, negatives } = sampleMatches(matches, sample, random)
      return [...positives, ...negatives].map((region) => ({ entry, region }))
    })
    const random = seededRandom(mixSeeds(seed, epoch, draws.order))
    if (centric === "image") shuffleFirst(byEntry, byEntry.length, random)
    const all = byEntry.flat()
    if (centric === "region") shuffleFirst(all, all.length, random)
    return all
  }

  async #batch(drawn: readonly Drawn[], epoch: number): Promise<MadeBatch> {
    const { seed, side, flip, mean, deviation } = this.options
    const files = [...new Set(drawn.map(({ entry }) => this.#entries[entry]!.record.file))]
    const images = new Map(await Promise.all(files.map(async (file) => [file, await this.#reader.read(file)] as const)))
    const readable = drawn.filter(({ entry }) => images.get(this.#entries[entry]!.record.file) !== undefined)
    const length = side * side * 3
    const pixels = new Float32Array(readable.length * length)
    const deltas: number[] = []
    const rows = readable.map(({ entry, region }, n) => {
      const { record, label, boxes, truths, matches } = this.#entries[entry]!
      const flipped = seededRandom(mixSeeds(seed, epoch, draws.flip, entry, region)).uniform() < flip
      const box = boxes.slice(4 * region, 4 * region + 4)
      const image = images.get(record.file)!
      warpPixels(image, box, { side, flip: flipped }, { mean, deviation }, pixels, n * length)
      const positive = matches.positive[region] === 1
      if (positive) {
        const [dx, ...others] = encodeBoxes(takeBoxes(truths, [matches.matchedIndex[region]!]), box, roiCoderWeights)
        deltas.push(flipped ? -dx! : dx!, ...others)
      }
      return { record, label, positive }
    })
    return {
      pixels,
      shape: [readable.length, side, side, 3],
      labels: rows.map(({ label }) => label),
      positive: rows.map(({ positive }) => positive),
      deltas: Float32Array.from(deltas),
      records: rows.map(({ record }) => record),
    }
  }
}
