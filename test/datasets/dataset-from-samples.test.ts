import { join } from "node:path"
import { expect, test } from "vitest"
import type { Dataset } from "../../datasets/dataset.js"
import { datasetFromSamples, type OwnSample } from "../../datasets/dataset-from-samples.js"
import { decodeImage } from "../../datasets/image/decode.js"
import { type DetectionLoaderOptions, detectionLoader } from "../../datasets/loader/detection-loader.js"
import { readDataset } from "../../datasets/read.js"
import { writeDataset } from "../../datasets/write.js"
import { seededRandom } from "../../src/core/random.js"
import { tempFolder, tiledPng, writeFiles } from "./samples.js"

const sizes = [
  [40, 30],
  [30, 40],
  [64, 32],
  [24, 24],
] as const

/** Four pictures of tiles, and one box in each. */
function photos() {
  const random = seededRandom(7)
  return sizes.map(([width, height], i) => ({
    bytes: tiledPng(width, height, random),
    box: [2 + i, 3, 12 + 2 * i, 20] as const,
    label: ["dog", "cat", "dog", "bird"][i]!,
  }))
}

const fromBytes = () =>
  photos().map(({ bytes, box, label }): OwnSample => ({ image: bytes, boxes: [box], labels: [label] }))

/** What a record says beside where its picture is. */
const plain = ({ images }: Dataset) =>
  images.map(({ id, imageId, width, height, boxes, labels }) => ({
    id,
    imageId,
    width,
    height,
    boxes: [...boxes],
    labels: [...labels],
  }))

test("boxes as lists or flat, labels as names or numbers, from an array, a generator or a list are one data set", async () => {
  const classes = ["bird", "cat", "dog"]
  const expected = await datasetFromSamples(fromBytes())
  expect(expected).toMatchObject({ format: "samples", classes, categoryIds: [1, 2, 3], faults: [] })
  expect(plain(expected)[2]).toEqual({ id: "2", imageId: 3, width: 64, height: 32, boxes: [4, 3, 16, 20], labels: [3] })
  const numbered = fromBytes().map(({ image, boxes, labels }) => ({
    image,
    boxes: Float32Array.from((boxes as number[][]).flat()),
    labels: Int32Array.of(classes.indexOf(labels[0] as string) + 1),
  }))
  async function* later() {
    yield* numbered
  }
  const list = { length: 4, at: async (i: number) => numbered[i]! }
  for (const samples of [numbered, later(), list]) {
    expect(plain(await datasetFromSamples(samples, { classes }))).toEqual(plain(expected))
  }
  expect((await datasetFromSamples(numbered)).classes).toEqual(["1", "2", "3"])
})

test("its training batches are those of the same pictures in files, with no worker and with one", async () => {
  const folder = tempFolder()
  const files = photos().map(({ bytes }, i) => {
    writeFiles(folder, { [`${i}.png`]: bytes })
    return join(folder, `${i}.png`)
  })
  const batches = async (
    samples: Parameters<typeof datasetFromSamples>[0],
    options: Partial<DetectionLoaderOptions>,
  ) => {
    const loader = detectionLoader(await datasetFromSamples(samples), { sizes: [48], maxSize: 90, seed: 3, ...options })
    const made = []
    for await (const { pixels, shape, images } of loader.epoch(1)) {
      made.push({ pixels, shape, images: images.map(({ record, ...image }) => ({ id: record.id, ...image })) })
    }
    await loader.close()
    expect(loader.faults).toEqual([])
    return made
  }
  const inFiles = fromBytes().map((sample, i) => ({ ...sample, image: files[i]! }))
  const decoded = await Promise.all(
    fromBytes().map(async (sample) => {
      const { data, width, height } = await decodeImage(sample.image as Uint8Array)
      return { ...sample, image: { data, width, height } }
    }),
  )
  let asked = 0
  const list = {
    length: 4,
    at: (i: number) => {
      asked++
      return decoded[i]!
    },
  }
  const expected = await batches(inFiles, { workers: 0 })
  expect(expected.flatMap(({ images }) => images).length).toBe(4)
  for (const samples of [fromBytes(), decoded, list]) {
    for (const workers of [0, 1]) expect(await batches(samples, { workers })).toEqual(expected)
  }
  // Once for its boxes and once for its pixels, each time that it was made a data set of.
  expect(asked).toBe(2 * 2 * 4)
})

test("it converts to a folder that reads back the same", async () => {
  const folder = tempFolder()
  const own = await datasetFromSamples(fromBytes())
  const { data, width, height } = await decodeImage(fromBytes()[3]!.image as Uint8Array)
  const last = { image: { data, width, height }, boxes: [1, 2, 3, 4], labels: ["cat"] }
  const set = {
    ...own,
    images: [
      ...own.images,
      ...(await datasetFromSamples([last], { classes: own.classes })).images.map((image) => ({ ...image, id: "last" })),
    ],
  }
  await writeDataset([set], "yolo", join(folder, "out"))
  const again = await readDataset(join(folder, "out"))
  expect(again.classes).toEqual(["bird", "cat", "dog"])
  expect(again.images.map(({ boxes }) => [...boxes].map(Math.round))).toEqual(set.images.map(({ boxes }) => [...boxes]))
  const [first, copy] = [
    await decodeImage(fromBytes()[3]!.image as Uint8Array),
    await decodeImage(again.images[4]!.file),
  ]
  expect(Buffer.compare(first.data, copy.data)).toBe(0)
})

test("boxes are checked as in files, and a photo that is none is left out", async () => {
  const [first, second] = fromBytes()
  const outside = { ...first!, boxes: [[-5, 2, 100, 10]] }
  const set = await datasetFromSamples([outside, { ...second!, image: Buffer.from("no image") }], { source: "mine" })
  expect([...set.images[0]!.boxes]).toEqual([0, 2, 40, 10])
  expect(set.images.length).toBe(1)
  expect(set.faults.map(({ kind, file, action }) => [kind, file, action])).toEqual([
    ["box-outside-image", "mine[0]", "fixed"],
    ["unreadable-image", "mine[1]", "skipped"],
  ])
  const known = await datasetFromSamples([first!, second!], { classes: ["dog"] })
  expect(known.images.map(({ labels }) => labels.length)).toEqual([1, 0])
  expect(known.faults).toMatchObject([{ kind: "unknown-class", message: '"cat" is not among the classes' }])
})

test.each([
  [{ boxes: [[1, 2, 3]], labels: ["a"] }, "samples[0]: expected box 0 to be x1, y1, x2, y2, got [1,2,3]"],
  [{ boxes: [1, 2, 3, 4, 5], labels: ["a"] }, "samples[0]: expected box 1 to be x1, y1, x2, y2, got [5]"],
  [{ boxes: [1, 2, 3, 4], labels: [] }, "samples[0]: expected one label for each box, got 1 boxes, 0 labels"],
  [{ boxes: [1, 2, 3, 4], labels: [0] }, "samples[0]: expected label 0 to be a name or a number from 1, got 0"],
  [{ labels: [1] }, "samples[0]: expected { image, boxes, labels }"],
])("%j is refused", async (sample, message) => {
  await expect(datasetFromSamples([{ ...sample, image: "a.png" } as OwnSample])).rejects.toThrow(message)
})

test.each([[undefined], ["photos"], [{ images: [] }]])("%j is no list of samples", async (samples) => {
  await expect(datasetFromSamples(samples as never)).rejects.toThrow(
    "expected an array, an (async) iterable, or a list",
  )
})
