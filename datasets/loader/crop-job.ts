import type { Normalisation } from "../../src/tensor/normalisation.js"
import { seededRandom } from "../../src/tensor/random.js"
import { cutWindow, drawColourShift, drawWindow } from "../image/augment.js"
import { type DecodedImage, decodeImage, ImageError } from "../image/decode.js"
import type { ImageProblem } from "./job.js"

/** What one batch of a classifier needs done off the main thread. Plain data: it is copied to a worker. */
export interface CropJob extends Normalisation {
  readonly files: readonly string[]
  /** Of each file, for its random crop. */
  readonly seeds: readonly number[]
  /** Side of the square crops; pixels. */
  readonly size: number
  /** Shortest and longest that an image's shorter side is made. */
  readonly shorter: readonly [number, number]
  /** The chance that a crop is mirrored. */
  readonly mirror: number
  /** Deviation of the draws along the colours' principal components. */
  readonly colour: number
  readonly maxPixels: number
}

export interface CropResult {
  /** `[N, size, size, 3]` of the images that could be read, in the job's order. */
  readonly pixels: Float32Array
  /** For each file what is wrong with it, if anything. */
  readonly problems: readonly (ImageProblem | null)[]
  /** For each file its place in `pixels`, -1 where it could not be read. */
  readonly rows: readonly number[]
}

/** Decodes, resizes, crops, mirrors and normalises images. Never throws for an image. */
export async function runCropJob(job: CropJob): Promise<CropResult> {
  const { files, seeds, size, shorter, mirror, colour, mean, std } = job
  const values = 3 * size * size
  const pixels = new Float32Array(files.length * values)
  const problems: (ImageProblem | null)[] = []
  const rows: number[] = []
  let row = 0
  for (const [i, file] of files.entries()) {
    const { image, problem } = await load(file, job)
    problems.push(problem)
    rows.push(image === undefined ? -1 : row)
    if (image === undefined) continue
    const target = { out: pixels, offset: row++ * values, size, mean, std }
    const random = seededRandom(seeds[i]!)
    const window = drawWindow(image, { size, shorter, mirror }, random)
    cutWindow(image, window, target, drawColourShift(colour, random))
  }
  return { pixels: row === files.length ? pixels : pixels.slice(0, row * values), problems, rows }
}

async function load(
  file: string,
  { maxPixels }: CropJob,
): Promise<{ image: DecodedImage | undefined; problem: ImageProblem | null }> {
  try {
    const image = await decodeImage(file, { maxPixels })
    const message = "the file ends early: the rest of the picture is empty"
    return { image, problem: image.truncated ? { kind: "truncated-image", message } : null }
  } catch (error) {
    if (!(error instanceof ImageError)) throw error
    return { image: undefined, problem: { kind: error.kind, message: error.message } }
  }
}
