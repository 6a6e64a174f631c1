import type { ImageRecord } from "../../datasets/dataset.js"
import { type Collated, fullBatches, Loader } from "../../datasets/loader/loader.js"
import { openSample, type Sample } from "../../datasets/open-sample.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { takeBoxes } from "../boxes/clip.js"
import { encodeBoxes, roiCoderWeights } from "../boxes/coder.js"
import { type SampleOptions, sampleMatches } from "../boxes/sampler.js"
import { UsageError } from "../core/errors.js"
import { imageNet, type Normalisation } from "../core/normalisation.js"
import { atLeastOne, fraction, oneOf, withDefaults } from "../core/options.js"
import { mixSeeds, seededRandom, shuffleFirst } from "../core/random.js"
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
}

/** A region drawn for an epoch. */
interface DrawnRegion {
  readonly entry: RegionEntry
  /** Which entry, and which of its regions. */
  readonly position: number
  readonly region: number
}

/** Purposes of the random draws of an epoch, so that none repeats another's numbers. */
const draws = { order: 1, sample: 2, flip: 3 } as const

/**
 * The second stage's batches. An image is decoded for each batch that has a region of it, which is what `region` costs.
 * @throws UsageError for an option that makes no sense, or fewer regions than make a batch
 */
export function regionLoader(
  entries: readonly RegionEntry[],
  overrides: Partial<RegionLoaderOptions> = {},
): Loader<DrawnRegion, RegionBatch> {
  const options = withDefaults("regionLoader", regionLoaderDefaults, overrides, {
    batch: atLeastOne,
    side: atLeastOne,
    flip: fraction,
    prefetch: atLeastOne,
    centric: oneOf("region", "image"),
  })
  const { batch, prefetch } = options
  const { length } = drawRegions(entries, 0, options)
  const batchesPerEpoch = Math.floor(length / batch)
  if (batchesPerEpoch === 0) {
    throw new UsageError(`${length} regions do not fill a batch of ${batch}. Choose a smaller --batch`)
  }
  return new Loader({
    batchesPerEpoch,
    plan: (epoch) => fullBatches(drawRegions(entries, epoch, options), batch),
    collate: (drawn, { epoch }) => warpRegions(drawn, epoch, options),
    prefetch,
    faults: new PhotoFaults(),
  })
}

/** The regions of an epoch in their order; as many in every epoch. */
function drawRegions(
  entries: readonly RegionEntry[],
  epoch: number,
  { seed, sample, centric }: RegionLoaderOptions,
): DrawnRegion[] {
  const byEntry = entries.map((entry, position): DrawnRegion[] => {
    const random = seededRandom(mixSeeds(seed, epoch, draws.sample, position))
    const { positives, negatives } = sampleMatches(entry.matches, sample, random)
    return [...positives, ...negatives].map((region) => ({ entry, position, region }))
  })
  const random = seededRandom(mixSeeds(seed, epoch, draws.order))
  if (centric === "image") shuffleFirst(byEntry, byEntry.length, random)
  const all = byEntry.flat()
  if (centric === "region") shuffleFirst(all, all.length, random)
  return all
}

async function warpRegions(
  drawn: readonly DrawnRegion[],
  epoch: number,
  { seed, side, flip, mean, std }: RegionLoaderOptions,
): Promise<Collated<RegionBatch>> {
  const photos = new Map(drawn.map(({ entry: { record } }) => [record.file, record]))
  const samples = new Map<string, Sample>()
  await Promise.all([...photos].map(async ([file, record]) => samples.set(file, await openSample(record))))
  const readable = drawn.flatMap((one) => {
    const image = samples.get(one.entry.record.file)?.image
    return image === undefined ? [] : [{ ...one, image }]
  })
  const length = side * side * 3
  const pixels = new Float32Array(readable.length * length)
  const deltas: number[] = []
  const rows = readable.map(({ entry: { record, label, boxes, truths, matches }, position, region, image }, n) => {
    const flipped = seededRandom(mixSeeds(seed, epoch, draws.flip, position, region)).uniform() < flip
    const box = boxes.slice(4 * region, 4 * region + 4)
    warpPixels(image, box, { side, flip: flipped }, { mean, std }, pixels, n * length)
    const positive = matches.positive[region] === 1
    if (positive) {
      const [dx, ...others] = encodeBoxes(takeBoxes(truths, [matches.matchedIndex[region]!]), box, roiCoderWeights)
      deltas.push(flipped ? -dx! : dx!, ...others)
    }
    return { record, label, positive }
  })
  const batch = {
    pixels,
    shape: [readable.length, side, side, 3] as const,
    labels: rows.map(({ label }) => label),
    positive: rows.map(({ positive }) => positive),
    deltas: Float32Array.from(deltas),
    records: rows.map(({ record }) => record),
  }
  return {
    batch: rows.length > 0 ? batch : undefined,
    problems: [...photos].map(([file, record]) => [record, samples.get(file)!.problems]),
  }
}
