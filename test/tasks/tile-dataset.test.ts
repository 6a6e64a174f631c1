import { expect, test } from "vitest"
import { datasetFromSamples } from "../../datasets/dataset-from-samples.js"
import { detectionLoader } from "../../datasets/loader/detection-loader.js"
import { openSample, sendable } from "../../datasets/open-sample.js"
import { tileDataset } from "../../src/tasks/training/tile-dataset.js"

/** A photo whose red tells the column and whose green the row, with an object in each half, and a small photo. */
async function photos() {
  const [width, height] = [100, 60]
  const data = Uint8Array.from({ length: 3 * width * height }, (_, at) => {
    const pixel = Math.floor(at / 3)
    return [pixel % width, Math.floor(pixel / width), 0][at % 3]!
  })
  const boxes = [
    [5, 5, 25, 25],
    [55, 10, 95, 50],
  ]
  const small = { data: new Uint8Array(3 * 40 * 40), width: 40, height: 40 }
  return datasetFromSamples(
    [
      { image: { data, width, height }, boxes, labels: ["a", "b"] },
      { image: small, boxes: [[1, 2, 3, 4]], labels: ["a"] },
    ],
    { classes: ["a", "b"] },
  )
}

test("photos larger than a tile come with their tiles, whose pixels and boxes are those of the photo", async () => {
  const set = await photos()
  const { images } = await tileDataset(set, { tiles: 60, overlap: 0.2 })
  expect(images.map(({ imageId, window, labels }) => [imageId, window, [...labels]])).toEqual([
    [1, undefined, [1, 2]],
    [2, [0, 0, 60, 60], [1, 2]],
    [3, [40, 0, 100, 60], [2]],
    [4, undefined, [1]],
  ])
  expect([...images[1]!.boxes]).toEqual([5, 5, 25, 25, 55, 10, 60, 50])
  expect([...images[2]!.boxes]).toEqual([15, 10, 55, 50])
  expect([...images[2]!.areas]).toEqual([1600])
  const { image } = await openSample(await sendable(images[2]!))
  expect([image!.width, image!.height]).toEqual([60, 60])
  expect([...image!.data.subarray(0, 6)]).toEqual([40, 0, 0, 41, 0, 0])
  expect(await tileDataset(set, {})).toBe(set)
})

test("an object of which less than a tenth is in a tile is none of it", async () => {
  const { images } = await tileDataset(await photos(), { tiles: 58, overlap: 0.1 })
  const [first] = images.filter(({ window }) => window?.[0] === 0)
  expect(first!.window).toEqual([0, 0, 58, 58])
  expect([...first!.labels]).toEqual([1])
})

test("the loader cuts tiles, and keeps them apart from their photo and from each other", async () => {
  const { images } = await tileDataset(await photos(), { tiles: 60 })
  for (const cache of [null, "ram"] as const) {
    const loader = detectionLoader(
      { images, source: "tiles" },
      { workers: 0, sizes: [60], maxSize: 100, shuffle: false, batchSize: 1, flip: 0, cache },
    )
    for (const epoch of [0, 1]) {
      const seen: number[][] = []
      for await (const { images: own } of loader.epoch(epoch))
        seen.push([own[0]!.width, own[0]!.height, ...own[0]!.boxes])
      expect(seen).toEqual([
        [100, 60, 5, 5, 25, 25, 55, 10, 95, 50],
        [60, 60, 5, 5, 25, 25, 55, 10, 60, 50],
        [60, 60, 15, 10, 55, 50],
        [60, 60, 1.5, 3, 4.5, 6],
      ])
    }
    await loader.close()
  }
})
