import { UsageError } from "../../src/core/errors.js"
import { imageNet, type Normalisation } from "../../src/core/normalisation.js"
import { atLeastOne, fraction, positive, wholeNumber, withDefaults } from "../../src/core/options.js"
import { mixSeeds, seededRandom } from "../../src/core/random.js"
import type { SizeRule } from "../../src/core/size-rule.js"
import { type AugmentOptions, augmentPresets, drawPartners, isAugmenting } from "../augment/levels.js"
import type { Dataset, ImageRecord } from "../dataset.js"
import { type FaultPolicies, withPolicies } from "../faults.js"
import { decodeDefaults } from "../image/decode.js"
import { inputDivisor, sizeDefaults } from "../image/size.js"
import { pictureSize, sendable } from "../open-sample.js"
import { PhotoFaults } from "../photo-faults.js"
import type { BoxedPhoto, SceneJob } from "./augmented.js"
import type { DetectionInputs } from "./detection-inputs.js"
import { KeptPhotos } from "./kept-photos.js"
import { type Collated, Loader } from "./loader.js"
import { draw, type OrderOptions, planBatches } from "./order.js"
import { defaultWorkers, WorkerPool } from "./pool.js"
import { drawRepeats, repeatedLength, repeatFactors } from "./repeats.js"
import { type InputTruths, placeTruths, sceneTruths } from "./truths.js"

export interface DetectionLoaderOptions extends OrderOptions, Normalisation {
  /** Lengths of the shorter side in input pixels; with several, each batch draws one. */
  readonly sizes: readonly number[]
  readonly maxSize: number
  /** How the sides of inputs are rounded. */
  readonly sizeRule: SizeRule
  /** Height and width of a batch are multiples of this. */
  readonly divisor: number
  /** The chance that an image is mirrored. */
  readonly flip: number
  /** What else happens to an image. */
  readonly augment: AugmentOptions
  /** Whether an epoch has mosaics and mixed images. */
  readonly mixing: (epoch: number) => boolean
  /** Threads that decode and resize; 0: none, `null`: one less than there are cores, at most four. */
  readonly workers: number | null
  /** How many batches are made ready ahead of the consumer. */
  readonly prefetch: number
  /** Images of classes that fewer than this share of the images have come several times an epoch; 0: every one once. */
  readonly repeatThreshold: number
  /** Whether images without objects take part. */
  readonly withoutObjects: "keep" | "drop"
  /** Where decoded photos are kept, so that none is decoded twice; `null`: nowhere. */
  readonly cache: "ram" | "disk" | null
  readonly maxPixels: number
  readonly policies: Partial<FaultPolicies>
}

/**
 * @source torchvision `references/detection/train.py` (2 images a device, flip 0.5, aspect-ratio-group-factor 3) and
 * `GeneralizedRCNNTransform` (800, 1333, multiples of 32); no repetitions: detectron2's REPEAT_THRESHOLD
 */
const detectionLoaderDefaults: DetectionLoaderOptions = {
  batchSize: 2,
  shuffle: true,
  seed: 0,
  dropLast: false,
  aspectGroups: 3,
  sizes: [sizeDefaults.size],
  maxSize: sizeDefaults.maxSize,
  sizeRule: "exact",
  divisor: inputDivisor,
  flip: 0.5,
  augment: augmentPresets.none,
  mixing: () => true,
  workers: null,
  prefetch: 4,
  repeatThreshold: 0,
  withoutObjects: "keep",
  cache: null,
  maxPixels: decodeDefaults.maxPixels,
  ...imageNet,
  policies: {},
}

/** One image of a batch with its truths in input pixels. */
interface BatchImage extends InputTruths {
  readonly record: ImageRecord
  /** After resizing, before padding. */
  readonly height: number
  readonly width: number
  /** Input pixels = pixels of the image, or of what was made of it, * scale. */
  readonly scaleY: number
  readonly scaleX: number
  readonly flipped: boolean
}

export interface DetectionBatch {
  /** `[N, H, W, 3]` float32, normalised RGB, zero where padded. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  readonly images: readonly BatchImage[]
}

/** An image that comes in an epoch: R and more (R images) are its repetitions. */
type Position = number

/**
 * The training batches of a data set with boxes, made in worker threads.
 * @throws UsageError for an option that makes no sense
 */
export function detectionLoader(
  dataset: Pick<Dataset, "images" | "source">,
  overrides: Partial<DetectionLoaderOptions> = {},
): Loader<Position, DetectionBatch> {
  const options = withDefaults("detectionLoader", detectionLoaderDefaults, overrides, {
    batchSize: atLeastOne,
    maxSize: positive,
    divisor: atLeastOne,
    flip: fraction,
    prefetch: atLeastOne,
    aspectGroups: wholeNumber,
    repeatThreshold: fraction,
  })
  const { sizes, batchSize, dropLast, seed, flip, prefetch } = options
  if (sizes.length === 0 || !sizes.every((size) => size >= 1)) {
    throw new UsageError(`detectionLoader: expected sizes to be numbers of 1 or more, got [${sizes.join(", ")}]`)
  }
  const images = dataset.images.filter(({ labels }) => options.withoutObjects === "keep" || labels.length > 0)
  const ratios = images.map((image) => {
    const { width, height } = pictureSize(image)
    return width > 0 && height > 0 ? width / height : 1
  })
  const factors = repeatFactors(images, options.repeatThreshold)
  const faults = new PhotoFaults(dataset.source, withPolicies(options.policies))
  const pool = new WorkerPool("detection", options.workers ?? defaultWorkers())
  const kept = new KeptPhotos(options.cache)
  const imageAt = (position: Position) => images[position % images.length]!
  const flips = (epoch: number, position: Position) =>
    flip > 0 && seededRandom(mixSeeds(seed, epoch, draw.flip, position)).uniform() < flip
  const isAugmented = isAugmenting(options.augment)
  const augmentOf = (epoch: number): AugmentOptions =>
    options.mixing(epoch) ? options.augment : { ...options.augment, mosaic: 0, mixUp: 0 }
  /** The images that one is put together with. */
  const partnersOf = (epoch: number, position: Position): ImageRecord[] => {
    if (!isAugmented) return []
    const random = seededRandom(mixSeeds(seed, epoch, draw.augment, position))
    const count = drawPartners(augmentOf(epoch), random)
    return Array.from({ length: count }, () => images[random.integer(images.length)]!)
  }
  const boxed = async (record: ImageRecord): Promise<BoxedPhoto> => {
    return { photo: await sendable(kept.of(record)), boxes: record.boxes }
  }
  const sceneOf = async (epoch: number, position: Position): Promise<SceneJob> => {
    return {
      seed: mixSeeds(seed, epoch, draw.augment, position, 1),
      boxes: imageAt(position).boxes,
      partners: await Promise.all(partnersOf(epoch, position).map(boxed)),
    }
  }
  const batches = repeatedLength(factors) / batchSize

  return new Loader({
    batchesPerEpoch: dropLast ? Math.floor(batches) : Math.ceil(batches),
    plan(epoch) {
      const repeats = drawRepeats(factors, seededRandom(mixSeeds(seed, epoch, draw.repeats)))
      return planBatches(ratios, epoch, options, repeats)
    },
    async collate(positions, { epoch, index }) {
      const size = sizes[seededRandom(mixSeeds(seed, epoch, draw.size, index)).integer(sizes.length)]!
      const { maxSize, sizeRule, divisor, maxPixels, mean, std } = options
      const photos = positions.map(async (position) => {
        const photo = { ...(await sendable(kept.of(imageAt(position)))), flip: flips(epoch, position) }
        return isAugmented ? { ...photo, scene: await sceneOf(epoch, position) } : photo
      })
      const augment = isAugmented ? { augment: augmentOf(epoch) } : {}
      const how = { ...augment, size, maxSize, sizeRule, divisor, maxPixels, mean, std, policies: faults.policies }
      const inputs = await pool.run({ photos: await Promise.all(photos), ...how, keeping: kept.keeping })
      for (const [i, shared] of inputs.shared.entries()) kept.take(imageAt(positions[i]!), shared)
      const drawn = positions.map((position) => {
        const partners = partnersOf(epoch, position)
        return { record: imageAt(position), partners, flipped: flips(epoch, position) }
      })
      return toBatch(inputs, drawn)
    },
    prefetch,
    faults,
    async close() {
      await pool.close()
      kept.close()
    },
  })
}

/** What makes up an image of a batch. */
interface Drawn extends Pick<BatchImage, "record" | "flipped"> {
  readonly partners: readonly ImageRecord[]
}

function toBatch(
  { pixels, shape, placed, problems, objects }: DetectionInputs,
  drawn: readonly Drawn[],
): Collated<DetectionBatch> {
  const images = drawn.flatMap(({ record, partners, flipped }, i): BatchImage[] => {
    const place = placed[i]
    if (place === undefined) return []
    const { height, width } = place
    const scales = { scaleY: height / place.imageHeight, scaleX: width / place.imageWidth }
    const scene = objects[i]
    const truths = scene === undefined ? record : sceneTruths(scene, [record, ...partners])
    return [{ record, height, width, ...scales, flipped, ...placeTruths(truths, place, flipped) }]
  })
  return {
    batch: images.length > 0 ? { pixels, shape, images } : undefined,
    problems: drawn.map(({ record }, i) => [record, problems[i]!]),
  }
}
