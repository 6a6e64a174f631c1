import { imageNet } from "../src/tensor/normalisation.js"
import type { Dataset, Fault } from "./dataset.js"
import { FaultLog, faultPolicies } from "./faults.js"
import { nameInside } from "./folder.js"
import { decodeDefaults } from "./image/decode.js"
import { imageFileSize } from "./image/file-size.js"
import type { ImageProblem } from "./loader/job.js"
import { defaultWorkers, ImagePool } from "./loader/pool.js"

export interface CheckOptions {
  /** Decode every image in full, which also finds those that end early; else only headers are read. */
  readonly decode: boolean
  readonly maxPixels: number
  /** As in `LoaderOptions`. */
  readonly workers: number | null
  readonly onProgress: ((done: number, total: number) => void) | null
}

export const checkDefaults: CheckOptions = {
  decode: true,
  maxPixels: decodeDefaults.maxPixels,
  workers: null,
  onProgress: null,
}

/** How many images a thread takes at a time. */
const share = 8

/** Looks into every image file of a data set and tells the faults, in the order of the images. */
export async function checkImages(
  dataset: Pick<Dataset, "images" | "source">,
  overrides: Partial<CheckOptions> = {},
): Promise<Fault[]> {
  const options = { ...checkDefaults, ...overrides }
  const { images } = dataset
  const log = new FaultLog(faultPolicies)
  const pool = new ImagePool("batch", options.decode ? (options.workers ?? defaultWorkers()) : 0)
  // Tiny results: only the problems are wanted.
  const plain = { size: 8, maxSize: 8, divisor: 1, ...imageNet }
  const skip = { truncated: true, mismatched: true }
  const check = async (from: number): Promise<(ImageProblem | undefined)[]> => {
    const part = images.slice(from, from + share)
    if (!options.decode) return Promise.all(part.map((image) => checkHeader(image, options.maxPixels)))
    const samples = part.map(({ file, width, height }) => ({ source: file, width, height, flip: false }))
    const result = await pool.run({ samples, ...plain, maxPixels: options.maxPixels, skip })
    return result.samples.map(({ problem }) => problem)
  }
  try {
    const ready: Promise<(ImageProblem | undefined)[]>[] = []
    let next = 0
    for (let from = 0; from < images.length; from += share) {
      for (; next < images.length && ready.length < 2 * Math.max(1, pool.workers); next += share)
        ready.push(check(next))
      for (const [i, problem] of (await ready.shift()!).entries()) {
        if (problem) log.report(problem.kind, nameInside(dataset.source, images[from + i]!.file), problem.message)
      }
      options.onProgress?.(Math.min(from + share, images.length), images.length)
    }
  } finally {
    await pool.close()
  }
  return log.faults
}

async function checkHeader(image: Dataset["images"][number], maxPixels: number): Promise<ImageProblem | undefined> {
  try {
    const { width, height } = await imageFileSize(image.file)
    if (width * height > maxPixels) {
      return { kind: "oversized-image", message: `${width}x${height} is more than ${maxPixels} pixels` }
    }
    const fits = image.width === 0 || (width === image.width && height === image.height)
    if (fits) return undefined
    const message = `the file is ${width}x${height}, the annotation says ${image.width}x${image.height}`
    return { kind: "size-mismatch", message }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return { kind: "missing-image", message: "there is no such file" }
    }
    return { kind: "unreadable-image", message: (error as Error).message.replaceAll(/\s+/g, " ") }
  }
}
