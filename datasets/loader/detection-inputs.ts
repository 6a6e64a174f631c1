import type { Normalisation } from "../../src/core/normalisation.js"
import type { AugmentOptions } from "../augment/levels.js"
import { resizeInto } from "../image/resize.js"
import type { RgbImage } from "../image/rgb.js"
import { inputSize, padTo, type SizeOptions } from "../image/size.js"
import type { OpenOptions, Photo, PhotoProblem } from "../open-sample.js"
import { augmented, type SceneJob, type SceneObjects } from "./augmented.js"
import { type Keeping, type KeptSample, openKept } from "./kept-photos.js"

/** What one batch of a detector needs done off the main thread. Plain data: it is copied to a worker. */
interface DetectionJob extends SizeOptions, Normalisation, OpenOptions {
  readonly photos: readonly (Photo & { readonly flip: boolean; readonly scene?: SceneJob })[]
  /** What happens to photos that have a `scene`. */
  readonly augment?: AugmentOptions
  /** Height and width of the batch are multiples of this. */
  readonly divisor: number
  /** Whether what is decoded is kept, and how. */
  readonly keeping?: Keeping | undefined
}

/** Where a photo lies in its batch. */
export interface PlacedPhoto {
  /** After resizing, without the padding. */
  readonly height: number
  readonly width: number
  /** Of the whole image, as `openSample` gives it, or of the picture that was made of it. */
  readonly imageHeight: number
  readonly imageWidth: number
}

export interface DetectionInputs {
  /** `[N, H, W, 3]`, the images in the upper left, zeros (the mean colour) elsewhere. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  /** One for each photo of the job; undefined for one that was left out of the batch. */
  readonly placed: readonly (PlacedPhoto | undefined)[]
  /** For each photo. */
  readonly problems: readonly (readonly PhotoProblem[])[]
  /** The objects of each photo that was made into a scene. */
  readonly objects: readonly (SceneObjects | undefined)[]
  /** For each photo its pixels, where they are to be kept in memory. */
  readonly shared: readonly (RgbImage | undefined)[]
}

/** Opens, resizes, mirrors, normalises and pads the photos of a batch. Never throws for a photo. */
export async function makeDetectionInputs(job: DetectionJob): Promise<DetectionInputs> {
  const fill = job.mean.map((value) => Math.round(255 * value)) as [number, number, number]
  const samples = await Promise.all(
    job.photos.map(async ({ scene, ...photo }): Promise<KeptSample & { readonly objects?: SceneObjects }> => {
      const sample = await openKept(photo, job, job.keeping)
      return scene && job.augment ? augmented(sample, scene, job.augment, fill, job) : sample
    }),
  )
  const placed = samples.map(({ image }): PlacedPhoto | undefined => {
    if (image === undefined) return undefined
    const { height, width } = inputSize(image.height, image.width, job)
    return { height, width, imageHeight: image.height, imageWidth: image.width }
  })
  const height = padTo(Math.max(0, ...placed.map((size) => size?.height ?? 0)), job.divisor)
  const width = padTo(Math.max(0, ...placed.map((size) => size?.width ?? 0)), job.divisor)
  const count = placed.filter((size) => size !== undefined).length
  const pixels = new Float32Array(count * height * width * 3)
  let row = 0
  for (const [i, { image }] of samples.entries()) {
    const size = placed[i]
    if (image === undefined || size === undefined) continue
    const place = { offset: row++ * height * width * 3, rowStride: 3 * width, flip: job.photos[i]!.flip }
    const { mean, std } = job
    resizeInto(image, { out: pixels, ...place, height: size.height, width: size.width, mean, std })
  }
  return {
    ...{ pixels, shape: [count, height, width, 3], placed },
    problems: samples.map(({ problems }) => problems),
    objects: samples.map(({ objects }) => objects),
    shared: samples.map(({ shared }) => shared),
  }
}
