import { UsageError } from "../../src/core/errors.js"
import { imageNet, type Normalisation } from "../../src/core/normalisation.js"
import { atLeastOne, fraction, wholeNumber, withDefaults } from "../../src/core/options.js"
import { mixSeeds, seededRandom } from "../../src/core/random.js"
import type { CifarSet } from "../cifar.js"
import { copyWindow, drawShift, normalisationTable } from "../image/augment.js"
import type { LabelledPhotos } from "../labelled-photos.js"
import { openDefaults, sendable } from "../open-sample.js"
import { PhotoFaults } from "../photo-faults.js"
import type { ReadLabelledSet } from "../read-labelled.js"
import { Loader, type LoaderParts } from "./loader.js"
import { draw, planBatches, shardOrder } from "./order.js"
import { defaultWorkers, WorkerPool } from "./pool.js"

/** Pictures ready for a classifier, with their classes. */
export interface ClassificationBatch {
  /** `[N]` positions in the set. */
  readonly images: readonly number[]
  /** `[N]` 0..K-1. */
  readonly labels: Int32Array
  /** `[N, size, size, 3]` float32, normalised RGB. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
}

export interface ClassificationLoaderOptions extends Normalisation {
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
const classificationLoaderDefaults: ClassificationLoaderOptions = {
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

type Parts = LoaderParts<number, ClassificationBatch>

/**
 * The training batches of a classification set: another order every epoch, random crops, full batches only.
 * @throws UsageError for an option that makes no sense, or fewer images than make a batch
 */
export function classificationLoader(
  set: ReadLabelledSet,
  overrides: Partial<ClassificationLoaderOptions> = {},
): Loader<number, ClassificationBatch> {
  const options = withDefaults("classificationLoader", classificationLoaderDefaults, overrides, {
    batchSize: atLeastOne,
    size: atLeastOne,
    padding: wholeNumber,
    mirror: fraction,
    prefetch: atLeastOne,
  })
  const { batchSize, seed } = options
  const [least, most] = options.shorter
  if (!(Number.isInteger(least) && Number.isInteger(most) && least >= options.size && most >= least)) {
    throw new UsageError(
      `classificationLoader: expected shorter to be two whole numbers, ${options.size} (the crop) or more, the larger one last, got [${least}, ${most}]`,
    )
  }
  if (set.labels.length < batchSize) {
    throw new UsageError(
      `${set.source}: ${set.labels.length} images do not fill a batch of ${batchSize}. Choose a smaller --batch`,
    )
  }
  const how = { batchSize, seed }
  return new Loader({
    batchesPerEpoch: Math.floor(set.labels.length / batchSize),
    plan: (epoch) => planOf(set, epoch, how),
    faults: new PhotoFaults(set.source),
    ...(set.format === "cifar10" ? memoryParts(set, options) : photoParts(set, options)),
  })
}

/** All images shuffled, or those of shards as they are read. */
function planOf(
  set: ReadLabelledSet,
  epoch: number,
  how: { readonly batchSize: number; readonly seed: number },
): number[][] {
  const count = set.labels.length
  const all = Array.from({ length: count }, (_, image) => image)
  const shards = set.format === "cifar10" ? undefined : set.shards
  const order = shards === undefined ? undefined : shardOrder(shards, count, epoch, how)
  const options = { ...how, shuffle: order === undefined, dropLast: true, aspectGroups: 0 }
  return planBatches(
    all.map(() => 1),
    epoch,
    options,
    order,
  )
}

/** A set in memory: making a batch takes a few milliseconds, and no thread. */
function memoryParts(set: CifarSet, options: ClassificationLoaderOptions): Pick<Parts, "collate" | "prefetch"> {
  const { padding, mirror, seed } = options
  const { side: size } = set
  const table = normalisationTable(options)
  const values = 3 * size * size
  return {
    prefetch: 1,
    async collate(images, { epoch }) {
      const pixels = new Float32Array(images.length * values)
      for (const [n, image] of images.entries()) {
        const window = drawShift(padding, mirror, seededRandom(mixSeeds(seed, epoch, draw.crop, image)))
        copyWindow(set.pixels, image * values, window, { out: pixels, offset: n * values, size }, table)
      }
      return { batch: toBatch(set, images, pixels, size), problems: [] }
    },
  }
}

/** Image files, decoded and cropped in worker threads. */
function photoParts(
  set: LabelledPhotos,
  options: ClassificationLoaderOptions,
): Pick<Parts, "collate" | "prefetch" | "close"> {
  const { size, shorter, mirror, colour, mean, std, prefetch, seed } = options
  const pool = new WorkerPool("classification", options.workers ?? defaultWorkers())
  return {
    prefetch,
    async collate(images, { epoch }) {
      const photos = images.map((image) => set.photo(image))
      const seeds = images.map((image) => mixSeeds(seed, epoch, draw.crop, image))
      const how = { size, shorter, mirror, colour, mean, std, ...openDefaults }
      const { pixels, used, problems } = await pool.run({
        photos: await Promise.all(photos.map(sendable)),
        seeds,
        ...how,
      })
      const kept = images.filter((_, i) => used[i])
      return {
        batch: kept.length > 0 ? toBatch(set, kept, pixels, size) : undefined,
        problems: photos.map((photo, i) => [photo, problems[i]!]),
      }
    },
    close: () => pool.close(),
  }
}

function toBatch(
  set: Pick<ReadLabelledSet, "labels">,
  images: readonly number[],
  pixels: Float32Array,
  side: number,
): ClassificationBatch {
  const labels = Int32Array.from(images, (image) => set.labels[image]!)
  return { images, labels, pixels, shape: [images.length, side, side, 3] }
}
