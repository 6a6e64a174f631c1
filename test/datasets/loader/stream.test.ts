import { join } from "node:path"
import { expect, test } from "vitest"
import { prepareImage, streamImages } from "../../../datasets/loader/stream.js"
import { png, tempFolder, writeFiles } from "../samples.js"

const small = { size: 60, maxSize: 100, workers: 1 }

test("images come in the order given, failures as values in their place", async () => {
  const folder = tempFolder()
  writeFiles(folder, { "a.png": png(40, 30), "b.jpg": "no image", "c.png": png(30, 40) })
  const paths = ["a.png", "b.jpg", "c.png", "gone.png"].map((name) => join(folder, name))
  const found = []
  for await (const batch of streamImages(paths, { ...small, batchSize: 2 })) {
    found.push({
      shape: batch.shape,
      images: batch.images.map(({ index, height, width, imageHeight, scaleX }) => [
        index,
        height,
        width,
        imageHeight,
        scaleX,
      ]),
      failed: batch.failed.map(({ source, index, problem }) => [source, index, problem.kind]),
    })
  }
  expect(found).toEqual([
    { shape: [1, 64, 96, 3], images: [[0, 60, 80, 30, 2]], failed: [[paths[1], 1, "unreadable-image"]] },
    { shape: [1, 96, 64, 3], images: [[2, 80, 60, 40, 2]], failed: [[paths[3], 3, "missing-image"]] },
  ])
})

test("sources are asked for no further ahead than prefetch, and a break closes them", async () => {
  let asked = 0
  let isClosed = false
  function* endless() {
    try {
      for (;;) {
        asked++
        yield png(20, 20)
      }
    } finally {
      isClosed = true
    }
  }
  for await (const { images } of streamImages(endless(), { ...small, workers: 0, prefetch: 3 })) {
    expect(asked).toBeLessThanOrEqual(images[0]!.index + 3)
    if (images[0]!.index === 5) break
  }
  expect(isClosed).toBe(true)
})

test("one image made ready is the one of the stream", async () => {
  const bytes = png(33, 21, [200, 100, 0])
  const alone = await prepareImage(bytes, { size: 60, maxSize: 100 })
  for await (const batch of streamImages([bytes], small)) {
    expect(batch.pixels).toEqual(alone.pixels)
    expect(batch.shape).toEqual(alone.shape)
  }
  expect(alone.images.length).toBe(1)
})
