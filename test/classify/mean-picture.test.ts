import { expect, test } from "vitest"
import type { LabelledSet } from "../../datasets/labelled-set.js"
import { channelMeans, meanPicture } from "../../src/classify/mean-picture.js"
import { DataError } from "../../src/core/errors.js"
import { seededRandom } from "../../src/core/random.js"
import { expectClose } from "../support/close.js"

/** Images of 2x3 pixels; image n is n * 10 at its left two columns, 0 at the right one. */
function pictures(count: number, broken: readonly number[] = []): LabelledSet {
  return {
    ...{ format: "folder", source: "photos", split: "train", classes: ["a"], faults: [] },
    labels: new Int32Array(count),
    name: String,
    async image(n) {
      if (broken.includes(n)) throw new DataError(`${n}: broken`)
      const column = (i: number) => Math.floor(i / 3) % 3
      const data = Uint8Array.from({ length: 18 }, (_, i) => (column(i) < 2 ? 10 * n + (i % 3) : 0))
      return { data, height: 2, width: 3 }
    },
  }
}

const sizes = { size: 2, resize: 2 }
/** What is left of image n: its middle crop begins at the left, as an odd rest is rounded to even. */
const crop = (n: number) => Array.from({ length: 12 }, (_, i) => (10 * n + (i % 3)) / 255)
const all = { images: 100, random: seededRandom(0) }

test("a mean picture is the mean of the middle crops, place by place", async () => {
  const picture = await meanPicture(pictures(3), sizes, all)
  expectClose(picture, crop(1), 1e-6)
  expectClose(channelMeans(picture), [10 / 255, 11 / 255, 12 / 255], 1e-6)
  const wide = {
    ...pictures(1),
    image: async () => ({ data: Uint8Array.of(255, 0, 0, 0, 51, 0), height: 1, width: 2 }),
  }
  expectClose(await meanPicture(wide, { size: 1, resize: 1 }, all), [1, 0, 0], 1e-6)
  expect(channelMeans(Float32Array.of(0.25, 1, 0, 0.75, 0, 0))).toEqual([0.5, 0.5, 0])
})

test("a sample is drawn by its random source: the same again, another from another seed", async () => {
  const sample = async (seed: number, images = 4) =>
    Math.round(255 * (await meanPicture(pictures(20), sizes, { images, random: seededRandom(seed) }))[0]! * images) / 10
  const sums = await Promise.all([1, 1, 2, 3].map((seed) => sample(seed)))
  expect(sums[0]).toBe(sums[1])
  expect(new Set(sums).size).toBe(3)
  // All of them, drawn or not, are the whole.
  expect(await sample(1, 20)).toBe(190)
})

test("images that cannot be read are left out; when none can, that is said", async () => {
  expectClose(await meanPicture(pictures(4, [0, 3]), sizes, all), crop(1.5), 1e-6)
  await expect(meanPicture(pictures(2, [0, 1]), sizes, all)).rejects.toThrow(
    new DataError("photos: no image could be read"),
  )
})
