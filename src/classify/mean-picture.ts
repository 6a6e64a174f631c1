import type { LabelledSet } from "../../datasets/labelled-set.js"
import { DataError } from "../core/errors.js"
import { type Random, shuffleFirst } from "../core/random.js"
import { decodedBatches } from "./decoded-batches.js"
import { type CropSizes, writeCrops } from "./test-crops.js"

export interface MeanPictureSample {
  /** Of how many images at most the mean is taken; others are drawn by chance. */
  readonly images: number
  readonly random: Random
  readonly signal?: AbortSignal
}

/** Of how many image files a mean picture is taken at most. @source ours: more change it by less than a grey level */
export const meanPictureImages = 10_000

/** Images that are decoded together. */
const together = 32
const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const

/**
 * The mean of a set's images as a test shows them, whole or cut out of their middle: `[size, size, 3]` RGB, 0..1. Images
 * that cannot be read are left out.
 * @throws DataError when none can be read
 */
export async function meanPicture(
  set: LabelledSet,
  sizes: CropSizes,
  { images, random, signal }: MeanPictureSample,
): Promise<Float32Array> {
  const all = Int32Array.from(set.labels, (_, index) => index)
  if (images < all.length) shuffleFirst(all, images, random)
  // In the set's order, so that all of it and a sample as large are one.
  const drawn = [...all.subarray(0, images).sort()]
  const crop = new Float32Array(3 * sizes.size ** 2)
  const sums = new Float64Array(crop.length)
  let count = 0
  for await (const { images } of decodedBatches(set, together, drawn)) {
    if (signal?.aborted) break
    for (const image of images) {
      writeCrops(image, sizes, 1, plain, crop, 0)
      for (let i = 0; i < crop.length; i++) sums[i]! += crop[i]!
    }
    count += images.length
  }
  if (count === 0 && !signal?.aborted) throw new DataError(`${set.source}: no image could be read`)
  return Float32Array.from(sums, (sum) => sum / count)
}

/** The mean of each channel of a picture `[..., 3]`. */
export function channelMeans(picture: Float32Array): [number, number, number] {
  const sums = [0, 0, 0] as [number, number, number]
  for (let i = 0; i < picture.length; i++) sums[i % 3]! += picture[i]!
  return sums.map((sum) => (3 * sum) / picture.length) as [number, number, number]
}
