import { expect, test } from "vitest"
import type { ImageRecord } from "../../datasets/dataset.js"
import { splitImages } from "../../datasets/splits.js"
import { datasetStats } from "../../datasets/stats.js"
import { seededRandom } from "../../src/core/random.js"

function image(id: number, labels: readonly number[], side = 10): ImageRecord {
  const count = labels.length
  return {
    id: String(id),
    imageId: id,
    file: `${id}.png`,
    width: 100,
    height: 200,
    boxes: Float64Array.from(labels.flatMap(() => [0, 0, side, side])),
    labels: Int32Array.from(labels),
    crowd: new Uint8Array(count),
    difficult: new Uint8Array(count).fill(1),
    areas: new Float64Array(count),
  }
}

test("each part gets its share of the images and of every class, rare ones too, and no image twice", () => {
  const images = Array.from({ length: 100 }, (_, i) => image(i, i < 10 ? [2, 1] : i < 90 ? [1] : []))
  const [train, val] = splitImages(images, [0.8, 0.2], 1) as [ImageRecord[], ImageRecord[]]
  expect([train.length, val.length]).toEqual([80, 20])
  expect(
    [...train, ...val]
      .map(({ imageId }) => imageId)
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual(images.map((_, i) => i))
  const withClass = (part: ImageRecord[], label: number) => part.filter(({ labels }) => labels.includes(label)).length
  expect([withClass(train, 2), withClass(val, 2)]).toEqual([8, 2])
  expect([withClass(train, 1), withClass(val, 1)]).toEqual([72, 18])
})

test("where classes are many and rare, parts are as large as asked for", () => {
  const random = seededRandom(1)
  const images = Array.from({ length: 80 }, (_, i) =>
    image(
      i,
      Array.from({ length: 4 }, () => 1 + random.integer(60)),
    ),
  )
  expect(splitImages(images, [0.7, 0.2, 0.1], 0).map(({ length }) => length)).toEqual([56, 16, 8])
  expect(splitImages(images.slice(0, 8), [0.7, 0.3], 0).map(({ length }) => length)).toEqual([6, 2])
})

test("the same seed divides alike, another one otherwise", () => {
  const images = Array.from({ length: 30 }, (_, i) => image(i, [1]))
  const ids = (seed: number) => splitImages(images, [0.5, 0.5], seed)[0]!.map(({ id }) => id)
  expect(ids(1)).toEqual(ids(1))
  expect(ids(1)).not.toEqual(ids(2))
})

test("objects are counted by class and by their size after resizing", () => {
  const images = [image(1, [1, 1], 10), image(2, [2], 30), image(3, [])]
  const stats = datasetStats({ images, classes: ["a", "b"] }, { size: 200, maxSize: 1000 })
  expect(stats).toEqual({
    images: 3,
    withoutObjects: 1,
    objects: 3,
    crowd: 0,
    difficult: 3,
    classes: [
      { name: "a", objects: 2, images: 1 },
      { name: "b", objects: 1, images: 1 },
    ],
    // Twice as large: 20 and 60 pixels.
    sizes: [0, 2, 1, 0, 0, 0, 0],
  })
})
