import type { Fault } from "./dataset.js"
import { ahead } from "./loader/ahead.js"
import { defaultWorkers, WorkerPool } from "./loader/pool.js"
import { openDefaults, type Photo, type PhotoProblem, sendable } from "./open-sample.js"
import { PhotoFaults } from "./photo-faults.js"
import { photoSize } from "./photo-size.js"

export interface CheckOptions {
  /** Decode every image in full, which also finds those that end early; else only headers are read. */
  readonly decode: boolean
  readonly maxPixels: number
  /** As in `LoaderOptions`. */
  readonly workers: number | null
  readonly onProgress: ((done: number, total: number) => void) | null
}

const checkDefaults: CheckOptions = {
  decode: true,
  maxPixels: openDefaults.maxPixels,
  workers: null,
  onProgress: null,
}

/** How many images a thread takes at a time. */
const share = 8

/** Looks into every image file of a data set and tells the faults, in the order of the images. */
export async function checkImages(
  dataset: { readonly images: readonly Photo[]; readonly source: string },
  overrides: Partial<CheckOptions> = {},
): Promise<readonly Fault[]> {
  const { decode, maxPixels, workers, onProgress } = { ...checkDefaults, ...overrides }
  const { images } = dataset
  const faults = new PhotoFaults(dataset.source)
  const pool = new WorkerPool("check", decode ? (workers ?? defaultWorkers()) : 0)
  const parts = Array.from({ length: Math.ceil(images.length / share) }, (_, i) => {
    return images.slice(i * share, (i + 1) * share)
  })
  const check = async (photos: readonly Photo[]): Promise<readonly (readonly PhotoProblem[])[]> => {
    if (decode) return pool.run({ ...openDefaults, photos: await Promise.all(photos.map(sendable)), maxPixels })
    return Promise.all(photos.map(async (photo) => (await photoSize(photo, maxPixels)).problems))
  }
  let done = 0
  try {
    for await (const { item, result } of ahead(parts, check, 2 * Math.max(1, pool.workers))) {
      for (const [i, problems] of result.entries()) faults.add(item[i]!, problems)
      done += item.length
      onProgress?.(done, images.length)
    }
  } finally {
    await pool.close()
  }
  return faults.faults
}
