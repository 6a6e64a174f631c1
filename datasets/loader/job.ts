import type { Normalisation } from "../../src/tensor/normalisation.js"
import { type DecodedImage, decodeImage, ImageError } from "../image/decode.js"
import { resizeInto } from "../image/resize.js"
import { inputSize, padTo } from "../image/size.js"

/** What one batch needs done off the main thread. Plain data: it is copied to a worker. */
export interface BatchJob extends Normalisation {
  readonly samples: readonly SampleJob[]
  readonly size: number
  readonly maxSize: number
  /** Height and width of the batch are multiples of this. */
  readonly divisor: number
  readonly maxPixels: number
  /** Leave out images that ended early, or whose size is not the annotated one, instead of using them. */
  readonly skip: { readonly truncated: boolean; readonly mismatched: boolean }
}

export interface SampleJob {
  readonly source: string | Uint8Array
  /** As annotated; 0 when not known. */
  readonly width: number
  readonly height: number
  readonly flip: boolean
}

export interface BatchResult {
  /** `[N, H, W, 3]`, the images in the upper left, zeros (the mean colour) elsewhere. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  /** One for each sample of the job, in its order. */
  readonly samples: readonly SampleResult[]
}

export interface SampleResult {
  /** Where in the batch the image is, or -1 when it was left out. */
  readonly row: number
  /** After resizing, without the padding. */
  readonly height: number
  readonly width: number
  /** Of the file, upright. */
  readonly imageHeight: number
  readonly imageWidth: number
  readonly problem?: ImageProblem
}

export interface ImageProblem {
  readonly kind: "missing-image" | "unreadable-image" | "truncated-image" | "oversized-image" | "size-mismatch"
  readonly message: string
}

interface Loaded {
  readonly image?: DecodedImage
  readonly problem?: ImageProblem
}

/** Decodes, turns upright, resizes, mirrors, normalises and pads the images of a batch. Never throws for an image. */
export async function runJob(job: BatchJob): Promise<BatchResult> {
  const loaded: Loaded[] = []
  for (const sample of job.samples) loaded.push(await loadSample(sample, job))
  const sizes = loaded.map(({ image }) => image && inputSize(image.height, image.width, job))
  const height = padTo(Math.max(0, ...sizes.map((size) => size?.height ?? 0)), job.divisor)
  const width = padTo(Math.max(0, ...sizes.map((size) => size?.width ?? 0)), job.divisor)
  const count = sizes.filter((size) => size !== undefined).length
  const pixels = new Float32Array(count * height * width * 3)
  let row = 0
  const samples = loaded.map(({ image, problem }, index): SampleResult => {
    const size = sizes[index]
    const found = problem ? { problem } : {}
    if (!image || !size) return { row: -1, height: 0, width: 0, imageHeight: 0, imageWidth: 0, ...found }
    const place = { offset: row * height * width * 3, rowStride: 3 * width, flip: job.samples[index]!.flip }
    const { mean, std } = job
    resizeInto(image, { out: pixels, ...place, height: size.height, width: size.width, mean, std })
    const { height: imageHeight, width: imageWidth } = image
    return { row: row++, height: size.height, width: size.width, imageHeight, imageWidth, ...found }
  })
  return { pixels, shape: [count, height, width, 3], samples }
}

async function loadSample(sample: SampleJob, job: BatchJob): Promise<Loaded> {
  try {
    const upright = await decodeImage(sample.source, { maxPixels: job.maxPixels })
    const { image, problem } = await fitAnnotation(upright, sample, job)
    if (problem !== undefined) return job.skip.mismatched ? { problem } : { image, problem }
    if (!image.truncated) return { image }
    const cut: ImageProblem = {
      kind: "truncated-image",
      message: "the file ends early: the rest of the picture is empty",
    }
    return job.skip.truncated ? { problem: cut } : { image, problem: cut }
  } catch (error) {
    if (error instanceof ImageError) return { problem: { kind: error.kind, message: error.message } }
    throw error
  }
}

/** Takes the stored orientation when only that one has the annotated size: some label tools ignore EXIF. */
async function fitAnnotation(
  upright: DecodedImage,
  sample: SampleJob,
  job: BatchJob,
): Promise<{ image: DecodedImage; problem?: ImageProblem }> {
  const { width, height } = sample
  if (width === 0 || (upright.width === width && upright.height === height)) return { image: upright }
  const sizes = `the file is ${upright.width}x${upright.height}, the annotation says ${width}x${height}`
  if (upright.orientation >= 5 && upright.width === height && upright.height === width) {
    const image = await decodeImage(sample.source, { maxPixels: job.maxPixels, autoOrient: false })
    const message = `${sizes}: its EXIF orientation ${upright.orientation} is ignored, as the annotation does`
    return { image, problem: { kind: "size-mismatch", message } }
  }
  return { image: upright, problem: { kind: "size-mismatch", message: `${sizes}: the file's size counts` } }
}
