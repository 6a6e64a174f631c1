import { expect, test } from "vitest"
import type { CifarSet } from "../../../datasets/cifar.js"
import { readImageFolder } from "../../../datasets/image-folder.js"
import {
  type ClassificationBatch,
  type ClassificationLoaderOptions,
  classificationLoader,
} from "../../../datasets/loader/classification-loader.js"
import type { Loaded, Loader } from "../../../datasets/loader/loader.js"
import { seededRandom } from "../../../src/core/random.js"
import { png, tempFolder, tiledPng, writeFiles } from "../samples.js"

/** Nine 2x2 pictures; all of picture n is n, its class n % 3. */
function memory(): CifarSet {
  const pixels = Uint8Array.from({ length: 9 * 12 }, (_, i) => Math.floor(i / 12))
  return {
    ...{ format: "cifar10", source: "made up", split: "train", classes: ["a", "b", "c"], faults: [], side: 2, pixels },
    labels: Int32Array.from({ length: 9 }, (_, n) => n % 3),
    name: String,
    image: () => Promise.reject(new Error("not asked for")),
  }
}

const plain = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const
const small = { batchSize: 4, padding: 0, size: 2, shorter: [2, 2], ...plain } as const

async function all(
  loader: Loader<number, ClassificationBatch>,
  epoch: number,
  start = 0,
): Promise<Loaded<ClassificationBatch>[]> {
  const batches: Loaded<ClassificationBatch>[] = []
  for await (const batch of loader.epoch(epoch, start)) batches.push({ ...batch, waitedMs: 0 })
  await loader.close()
  return batches
}

test("a training epoch holds full batches of an own order; each picture comes with its class", async () => {
  const loader = classificationLoader(memory(), small)
  expect(loader.batchesPerEpoch).toBe(2)
  const batches = await all(loader, 0)
  expect(batches.map(({ index }) => index)).toEqual([0, 1])
  const shown = batches.flatMap(({ images }) => images)
  expect(new Set(shown).size).toBe(8)
  for (const { images, labels, pixels, shape } of batches) {
    expect(shape).toEqual([4, 2, 2, 3])
    expect([...labels]).toEqual(images.map((image) => image % 3))
    expect(images.map((_, n) => Math.round(pixels[12 * n + 11]!))).toEqual(images)
  }
  expect((await all(loader, 1)).flatMap(({ images }) => images)).not.toEqual(shown)
})

test("a picture is mirrored or not by a draw of its own in every epoch", async () => {
  // The left column is 0, the right one 200.
  const pixels = Uint8Array.from({ length: 9 * 12 }, (_, i) => (Math.floor(i / 3) % 2) * 200)
  const loader = classificationLoader({ ...memory(), pixels }, { ...small, batchSize: 9 })
  const mirrored: boolean[][] = Array.from({ length: 9 }, () => [])
  for (let epoch = 0; epoch < 8; epoch++) {
    for await (const { images, pixels: shown } of loader.epoch(epoch)) {
      for (const [n, image] of images.entries()) mirrored[image]!.push(shown[12 * n]! > 100)
    }
  }
  await loader.close()
  for (const [image, draws] of mirrored.entries()) expect(new Set(draws).size, `picture ${image}`).toBe(2)
})

test("an epoch begun in the middle goes on with the very same batches", async () => {
  const loader = classificationLoader(memory(), { ...small, padding: 1, batchSize: 2 })
  expect(await all(loader, 3, 2)).toEqual((await all(loader, 3)).slice(2))
})

test("fewer images than a batch, and crops larger than the image, are refused", () => {
  expect(() => classificationLoader(memory(), { ...small, batchSize: 10 })).toThrow(
    "made up: 9 images do not fill a batch of 10. Choose a smaller --batch",
  )
  expect(() => classificationLoader(memory(), { ...small, size: 3 })).toThrow(
    /expected shorter to be two whole numbers, 3/,
  )
})

function folder(): string {
  const root = tempFolder()
  for (let n = 0; n < 6; n++) {
    writeFiles(root, { [`${n % 2 ? "odd" : "even"}/${n}.png`]: png(12 + n, 20, [20 * n, 100 + n, 200]) })
  }
  return root
}

test("image files give the same batches from no worker and from two, after a break too", async () => {
  const set = readImageFolder(folder())
  const options: Partial<ClassificationLoaderOptions> = { batchSize: 2, size: 8, shorter: [9, 11], seed: 4 }
  const here = await all(classificationLoader(set, { ...options, workers: 0 }), 2)
  expect(here.map(({ shape }) => shape)).toEqual([1, 2, 3].map(() => [2, 8, 8, 3]))
  expect(here.flatMap(({ images }) => images).sort()).toEqual([0, 1, 2, 3, 4, 5])
  expect(await all(classificationLoader(set, { ...options, workers: 2 }), 2, 1)).toEqual(here.slice(1))
  expect(await all(classificationLoader(set, { ...options, workers: 0, seed: 5 }), 2)).not.toEqual(here)
})

test("an image file is cropped by a draw of its own in every epoch", async () => {
  const root = tempFolder()
  writeFiles(root, { "a/1.png": tiledPng(40, 40, seededRandom(1)) })
  const loader = classificationLoader(readImageFolder(root), { batchSize: 1, size: 8, shorter: [9, 20], workers: 0 })
  const seen = new Set<string>()
  for (let epoch = 0; epoch < 4; epoch++) for await (const { pixels } of loader.epoch(epoch)) seen.add(String(pixels))
  await loader.close()
  expect(seen.size).toBe(4)
})

test("an image that cannot be read is told once and left out, and a batch of such only is passed over", async () => {
  const root = folder()
  const flat = { size: 8, shorter: [8, 8], colour: 0, workers: 0, ...plain } as const
  const whole = (await all(classificationLoader(readImageFolder(root), { ...flat, batchSize: 1 }), 0)).flatMap(
    ({ images }) => images,
  )
  writeFiles(root, { "even/4.png": "no image", "odd/1.png": "none either" })
  const set = readImageFolder(root)
  const loader = classificationLoader(set, { ...flat, batchSize: 1 })
  const batches = await all(loader, 0)
  const shown = batches.flatMap(({ images }) => images)
  expect(shown).toEqual(whole.filter((image) => !/even.4|odd.1/.test(set.name(image))))
  expect(batches.map(({ index }) => index)).toEqual(shown.map((image) => whole.indexOf(image)))
  const reds = shown.map((image) => 20 * Number(/(\d)\.png/.exec(set.name(image))![1]))
  expect(batches.map(({ pixels }) => Math.round(pixels[0]!))).toEqual(reds)
  await all(loader, 1)
  expect(loader.faults.map(({ kind, file, action }) => [kind, file, action]).sort()).toEqual([
    ["unreadable-image", "even/4.png", "skipped"],
    ["unreadable-image", "odd/1.png", "skipped"],
  ])
  const threes = await all(classificationLoader(set, { ...flat, batchSize: 3 }), 0)
  const kept = threes.map(({ images, labels, pixels }) => [images.length, labels.length, pixels.length / 192])
  expect(kept.flat().reduce((sum, count) => sum + count)).toBe(3 * 4)
  expect(kept.every(([images, labels, pictures]) => images === labels && labels === pictures)).toBe(true)
})
