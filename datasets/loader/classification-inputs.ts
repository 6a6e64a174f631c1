import type { Normalisation } from "../../src/core/normalisation.js"
import { seededRandom } from "../../src/core/random.js"
import { cutWindow, drawColourShift, drawWindow } from "../image/augment.js"
import { type OpenOptions, openSample, type Photo, type PhotoProblem } from "../open-sample.js"

/** What one batch of a classifier needs done off the main thread. Plain data: it is copied to a worker. */
interface ClassificationJob extends Normalisation, OpenOptions {
  readonly photos: readonly Photo[]
  /** Of each photo, for its random crop. */
  readonly seeds: readonly number[]
  /** Side of the square crops; pixels. */
  readonly size: number
  /** Shortest and longest that an image's shorter side is made. */
  readonly shorter: readonly [number, number]
  /** The chance that a crop is mirrored. */
  readonly mirror: number
  /** Deviation of the draws along the colours' principal components. */
  readonly colour: number
}

interface ClassificationInputs {
  /** `[N, size, size, 3]` of the photos that can be used, in the job's order. */
  readonly pixels: Float32Array
  /** For each photo whether it is among them. */
  readonly used: readonly boolean[]
  /** For each photo. */
  readonly problems: readonly (readonly PhotoProblem[])[]
}

/** Opens, resizes, crops, mirrors and normalises photos. Never throws for a photo. */
export async function makeClassificationInputs(job: ClassificationJob): Promise<ClassificationInputs> {
  const { photos, seeds, size, mean, std } = job
  const values = 3 * size * size
  const pixels = new Float32Array(photos.length * values)
  const problems: (readonly PhotoProblem[])[] = []
  const used: boolean[] = []
  let row = 0
  for (const [i, photo] of photos.entries()) {
    const { image, problems: own } = await openSample(photo, job)
    problems.push(own)
    used.push(image !== undefined)
    if (image === undefined) continue
    const target = { out: pixels, offset: row++ * values, size, mean, std }
    const random = seededRandom(seeds[i]!)
    const window = drawWindow(image, job, random)
    cutWindow(image, window, target, drawColourShift(job.colour, random))
  }
  return { pixels: row === photos.length ? pixels : pixels.slice(0, row * values), used, problems }
}
