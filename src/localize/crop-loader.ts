import type { Dataset, ImageRecord } from "../../datasets/dataset.js"
import { cutWindow } from "../../datasets/image/augment.js"
import { type Collated, fullBatches, Loader } from "../../datasets/loader/loader.js"
import { openSample } from "../../datasets/open-sample.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { UsageError } from "../core/errors.js"
import { imageNet, type Normalisation } from "../core/normalisation.js"
import { atLeastOne, withDefaults } from "../core/options.js"
import { mixSeeds, seededRandom, shuffleFirst } from "../core/random.js"
import { type CropOptions, cropDefaults, cropTruths, drawCrop } from "./crop.js"
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
const cropLoaderDefaults: CropLoaderOptions = {
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
}

/** An image with objects. */
interface CropSource {
  readonly position: number
  readonly record: ImageRecord
  readonly truths: readonly ClassTruths[]
}

/** Purposes of the random draws of an epoch, so that none repeats another's numbers. */
const draws = { order: 1, crop: 2 } as const

/**
 * Random crops of a set with boxes; images that do not fill a batch sit out that epoch. Images without objects take no
 * part: they have no class whose output could learn.
 * @throws UsageError for an option that makes no sense, or fewer images with objects than make a batch
 */
export function cropLoader(
  dataset: Pick<Dataset, "images" | "source">,
  overrides: Partial<CropLoaderOptions> = {},
): Loader<CropSource, CropBatch> {
  const rules = { batch: atLeastOne, prefetch: atLeastOne }
  const options = withDefaults("cropLoader", cropLoaderDefaults, overrides, rules)
  const { batch, seed, prefetch } = options
  const withTruths = dataset.images.map((record) => ({ record, truths: classTruths(record) }))
  const images = withTruths.filter(({ truths }) => truths.length > 0).map((one, position) => ({ ...one, position }))
  const batchesPerEpoch = Math.floor(images.length / batch)
  if (batchesPerEpoch === 0) {
    throw new UsageError(
      `${dataset.source}: ${images.length} images with objects do not fill a batch of ${batch}. Choose a smaller --batch`,
    )
  }
  return new Loader({
    batchesPerEpoch,
    plan(epoch) {
      const order = [...images]
      shuffleFirst(order, order.length, seededRandom(mixSeeds(seed, epoch, draws.order)))
      return fullBatches(order, batch)
    },
    collate: (sources, { epoch }) => cutCrops(sources, epoch, options),
    prefetch,
    faults: new PhotoFaults(),
  })
}

async function cutCrops(
  sources: readonly CropSource[],
  epoch: number,
  { seed, crop, mean, std }: CropLoaderOptions,
): Promise<Collated<CropBatch>> {
  const { side } = crop
  const opened = await Promise.all(sources.map(async (source) => ({ ...source, ...(await openSample(source.record)) })))
  const readable = opened.flatMap(({ image, ...source }) => (image ? [{ image, ...source }] : []))
  const length = side * side * 3
  const pixels = new Float32Array(readable.length * length)
  const truths = readable.map(({ image, position, truths: own }, n) => {
    const random = seededRandom(mixSeeds(seed, epoch, draws.crop, position))
    const objects = Float32Array.from(own.flatMap(({ boxes }) => [...boxes]))
    const chosen = drawCrop([image.height, image.width], objects, crop, random)
    cutWindow(image, chosen, { out: pixels, offset: n * length, size: side, mean, std })
    return own.map((one) => cropTruths(one, chosen, crop.minVisible))
  })
  const records = readable.map(({ record }) => record)
  const shape = [readable.length, side, side, 3] as const
  return {
    batch: readable.length > 0 ? { pixels, shape, truths, records } : undefined,
    problems: opened.map(({ record, problems }) => [record, problems]),
  }
}
