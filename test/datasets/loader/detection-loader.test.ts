import { readFileSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import sharp from "sharp"
import { expect, onTestFinished, test } from "vitest"
import { augmentPresets } from "../../../datasets/augment/levels.js"
import type { Dataset, ImageRecord } from "../../../datasets/dataset.js"
import {
  type DetectionBatch,
  type DetectionLoaderOptions,
  detectionLoader,
} from "../../../datasets/loader/detection-loader.js"
import { KeptPhotos } from "../../../datasets/loader/kept-photos.js"
import type { Loaded } from "../../../datasets/loader/loader.js"
import { hugePng, png, tempFolder, writeFiles } from "../samples.js"

function record(folder: string, name: string, more: Partial<ImageRecord> = {}): ImageRecord {
  return {
    id: name,
    imageId: 1,
    file: join(folder, name),
    width: 40,
    height: 30,
    boxes: Float64Array.of(4, 6, 20, 15),
    labels: Int32Array.of(2),
    crowd: Uint8Array.of(0),
    difficult: Uint8Array.of(1),
    areas: Float64Array.of(144),
    ...more,
  }
}

/** Seven little pictures of different colours. */
function sample(): Pick<Dataset, "images" | "source"> {
  const folder = tempFolder()
  const names = Array.from({ length: 7 }, (_, i) => `${i}.png`)
  for (const [i, name] of names.entries()) writeFiles(folder, { [name]: png(40, 30, [30 * i, 255 - 30 * i, 99]) })
  return { source: folder, images: names.map((name) => record(folder, name)) }
}

function load(dataset: Pick<Dataset, "images" | "source">, options: Partial<DetectionLoaderOptions> = {}) {
  const loader = detectionLoader(dataset, { workers: 0, sizes: [60], maxSize: 100, ...options })
  onTestFinished(() => loader.close())
  return loader
}

async function take(
  batches: AsyncIterable<Loaded<DetectionBatch>>,
): Promise<Omit<Loaded<DetectionBatch>, "waitedMs">[]> {
  const taken: Omit<Loaded<DetectionBatch>, "waitedMs">[] = []
  for await (const { waitedMs, ...batch } of batches) {
    expect(waitedMs).toBeGreaterThanOrEqual(0)
    taken.push(batch)
  }
  return taken
}

test("an image is resized into the upper left of its batch, and its boxes with it", async () => {
  const [batch] = await take(load(sample(), { flip: 0, batchSize: 3 }).epoch(0))
  expect(batch!.shape).toEqual([3, 64, 96, 3])
  expect(batch!.pixels.length).toBe(3 * 64 * 96 * 3)
  const image = batch!.images[0]!
  expect([image.height, image.width, image.scaleY, image.scaleX, image.flipped]).toEqual([60, 80, 2, 2, false])
  expect([...image.boxes]).toEqual([8, 12, 40, 30])
  expect([[...image.labels], [...image.crowd], [...image.difficult]]).toEqual([[2], [0], [1]])
  const i = Number(image.record.id[0])
  expect(batch!.pixels[0]).toBeCloseTo((30 * i) / 255 / 0.229 - 0.485 / 0.229, 5)
  expect([...batch!.pixels.subarray(3 * 80, 3 * 96)]).toEqual(new Array(48).fill(0))
  expect([...batch!.pixels.subarray(3 * 96 * 60, 3 * 96 * 64)].every((value) => value === 0)).toBe(true)
})

test("a flipped image has its boxes mirrored in the resized image", async () => {
  const [batch] = await take(load(sample(), { flip: 1 }).epoch(0))
  expect(batch!.images[0]!.flipped).toBe(true)
  expect([...batch!.images[0]!.boxes]).toEqual([40, 12, 72, 30])
})

test("an image is mirrored or not by a draw of its own in every epoch", async () => {
  const loader = load(sample(), { shuffle: false, batchSize: 7, sizes: [12] })
  const epochs: boolean[][] = []
  for (const epoch of [0, 1, 2, 3, 4, 5, 6, 7]) {
    const [batch] = await take(loader.epoch(epoch))
    epochs.push(batch!.images.map(({ flipped }) => flipped))
  }
  for (const n of epochs[0]!.keys()) expect(new Set(epochs.map((flips) => flips[n])).size, `image ${n}`).toBe(2)
  for (const flips of epochs) expect(new Set(flips).size).toBe(2)
})

test("the batches of an epoch are the same with no, one and three workers", async () => {
  const dataset = sample()
  const runs = []
  for (const workers of [0, 1, 3]) runs.push(await take(load(dataset, { workers, sizes: [40, 60], seed: 5 }).epoch(2)))
  expect(runs[1]).toEqual(runs[0])
  expect(runs[2]).toEqual(runs[0])
})

test("an epoch gone on with in the middle gives what would have come", async () => {
  const dataset = sample()
  const whole = await take(load(dataset, { sizes: [40, 60] }).epoch(3))
  expect(await take(load(dataset, { sizes: [40, 60] }).epoch(3, 2))).toEqual(whole.slice(2))
})

test("every image comes once an epoch, in another order each time and with each seed", async () => {
  const dataset = sample()
  const order = async (epoch: number, seed: number) =>
    (await take(load(dataset, { seed }).epoch(epoch))).flatMap(({ images }) => images.map(({ record }) => record.id))
  const orders = [await order(0, 0), await order(1, 0), await order(0, 1)]
  for (const ids of orders) expect([...ids].sort()).toEqual(dataset.images.map(({ id }) => id))
  expect(new Set(orders.map(String)).size).toBe(3)
})

test("images of rare classes come again in an epoch, mirrored or not by a draw of their own", async () => {
  const { source, images } = sample()
  const rare = images.map((image, i) => ({ ...image, labels: Int32Array.of(i === 3 ? 1 : 2) }))
  // sqrt(1 / (1/7)) = 2.65 times, the others sqrt(7/6) = 1.08 times: 9.1 images.
  const loader = load({ source, images: rare }, { repeatThreshold: 1, batchSize: 3 })
  const flips = new Set<string>()
  for (const epoch of [0, 1, 2, 3, 4, 5]) {
    const batches = await take(loader.epoch(epoch))
    const all = batches.flatMap(({ images: own }) => own)
    expect(all.length).toBe(9)
    const again = all.filter(({ record: { id } }) => id === "3.png")
    expect([2, 3]).toContain(again.length)
    flips.add(new Set(again.map(({ flipped }) => flipped)).size === 1 ? "alike" : "both")
    expect(await take(load({ source, images: rare }, { repeatThreshold: 1, batchSize: 3 }).epoch(epoch, 1))).toEqual(
      batches.slice(1),
    )
  }
  expect(flips).toContain("both")
  expect(loader.batchesPerEpoch).toBe(3)
})

test("the last batch is partial, or left out", async () => {
  const dataset = sample()
  for (const [dropLast, sizes] of [
    [false, [3, 3, 1]],
    [true, [3, 3]],
  ] as const) {
    const loader = load(dataset, { batchSize: 3, dropLast })
    const batches = await take(loader.epoch(0))
    expect(batches.map(({ images }) => images.length)).toEqual(sizes)
    expect(loader.batchesPerEpoch).toBe(sizes.length)
  }
})

test("images that cannot be used are left out and told once, and the run goes on", async () => {
  const { source, images } = sample()
  writeFiles(source, { "bad.jpg": "no image", "bomb.png": hugePng(60_000, 60_000) })
  const bad = ["bad.jpg", "bomb.png", "gone.png"].map((name) => record(source, name))
  const loader = load({ source, images: [...bad, ...images.slice(0, 1)] }, { shuffle: false, batchSize: 2, workers: 1 })
  for (const epoch of [0, 1]) {
    const batches = await take(loader.epoch(epoch))
    expect(batches.map(({ index, images }) => [index, images.map(({ record }) => record.id)])).toEqual([[1, ["0.png"]]])
    expect(batches[0]!.shape[0]).toBe(1)
  }
  expect(loader.faults.map(({ kind, file, action }) => [kind, file, action])).toEqual([
    ["unreadable-image", "bad.jpg", "skipped"],
    ["oversized-image", "bomb.png", "skipped"],
    ["missing-image", "gone.png", "skipped"],
  ])
})

test("a policy to fail stops the run with the file's name", async () => {
  const { source, images } = sample()
  const dataset = { source, images: [record(source, "gone.png"), ...images] }
  const loader = load(dataset, { policies: { "missing-image": "fail" } })
  await expect(take(loader.epoch(0))).rejects.toThrow("gone.png: missing-image")
})

test("an annotation made on the stored, unturned picture is matched with that picture", async () => {
  const folder = tempFolder()
  const file = { width: 40, height: 30, channels: 3, background: "red" } as const
  writeFiles(folder, { "a.jpg": await sharp({ create: file }).withMetadata({ orientation: 6 }).jpeg().toBuffer() })
  const sizes = {
    stored: { width: 40, height: 30 },
    upright: { width: 30, height: 40 },
    other: { width: 20, height: 15 },
  }
  const results = await Promise.all(
    Object.values(sizes).map(async (size) => {
      const loader = load({ source: folder, images: [record(folder, "a.jpg", size)] }, { flip: 0 })
      const [batch] = await take(loader.epoch(0))
      const { height, width } = batch!.images[0]!
      return [height, width, ...loader.faults.map(({ kind, action }) => `${kind} ${action}`)]
    }),
  )
  expect(results).toEqual([
    [60, 80, "size-mismatch fixed"],
    [80, 60],
    [80, 60, "size-mismatch fixed"],
  ])
})

test("images without objects stay unless they are dropped", () => {
  const { source, images } = sample()
  const empty = { boxes: new Float64Array(), labels: new Int32Array(), areas: new Float64Array() }
  const dataset = { source, images: [...images, { ...images[0]!, ...empty }] }
  expect(load(dataset, { batchSize: 1 }).batchesPerEpoch).toBe(8)
  expect(load(dataset, { batchSize: 1, withoutObjects: "drop" }).batchesPerEpoch).toBe(7)
})

test("an unknown option and an impossible one are refused", () => {
  expect(() => load(sample(), { batchsize: 3 } as object)).toThrow(
    'unknown option "batchsize". Did you mean "batchSize"?',
  )
  expect(() => load(sample(), { flip: 2 })).toThrow("expected flip to be a number from 0 to 1, got 2")
  expect(() => load(sample(), { sizes: [] })).toThrow("expected sizes")
})

test.each(["ram", "disk"] as const)("photos kept in %s are not decoded again, to the same batches", async (cache) => {
  const dataset = sample()
  const plain = load(dataset)
  const [first, second] = [await take(plain.epoch(0)), await take(plain.epoch(1))]
  const then = new Date(1e12)
  for (const workers of [0, 1]) {
    for (const { file } of dataset.images) utimesSync(file, then, then)
    const keeping = load(dataset, { cache, workers })
    expect(await take(keeping.epoch(0))).toEqual(first)
    const files = dataset.images.map(({ file }) => [file, readFileSync(file)] as const)
    for (const [file, bytes] of files) {
      writeFileSync(file, Buffer.alloc(bytes.length))
      utimesSync(file, then, then)
    }
    expect(await take(keeping.epoch(1))).toEqual(second)
    expect(keeping.faults).toEqual([])
    for (const [file, bytes] of files) writeFileSync(file, bytes)
  }
})

test("memory for photos has an end, and faulty photos are told as without keeping", async () => {
  const [photo, other] = ["a", "b"].map((file) => ({ file }))
  const image = { data: new Uint8Array(12), height: 2, width: 2 }
  const kept = new KeptPhotos("ram", 20)
  expect(kept.keeping).toBe("ram")
  kept.take(photo!, image)
  kept.take(other!, image)
  expect(kept.of(photo!)).toEqual({ file: "a", image })
  expect(kept.of(other!)).toBe(other)
  expect(kept.keeping).toBeUndefined()

  const dataset = sample()
  writeFileSync(dataset.images[2]!.file, "no image")
  const loader = load(dataset, { cache: "disk" })
  for (const epoch of [0, 1]) expect((await take(loader.epoch(epoch))).flatMap(({ images }) => images)).toHaveLength(6)
  expect(loader.faults).toHaveLength(1)
})

/** The pictures, each with an object of a class of its own. */
function labelled(): Pick<Dataset, "images" | "source"> {
  const { images, source } = sample()
  return { source, images: images.map((image, i) => ({ ...image, labels: Int32Array.of(i + 1) })) }
}

test("augmented batches hang on the seed, the epoch and the place alone, not on threads, breaks or kept photos", async () => {
  const dataset = labelled()
  const options = { augment: { ...augmentPresets.strong, verticalFlip: 0.5 }, batchSize: 2 }
  const whole = await take(load(dataset, options).epoch(2))
  expect(await take(load(dataset, { ...options, workers: 2 }).epoch(2))).toEqual(whole)
  expect(await take(load(dataset, options).epoch(2, 2))).toEqual(whole.slice(2))
  const keeping = load(dataset, { ...options, cache: "ram" })
  await take(keeping.epoch(1))
  expect(await take(keeping.epoch(2))).toEqual(whole)
  expect(await take(load(dataset, { ...options, seed: 1 }).epoch(2))).not.toEqual(whole)
})

test("a look at the first images of the first batch shows what training sees, and changes nothing of it", async () => {
  const options = { augment: augmentPresets.strong, sizes: [40, 60], batchSize: 3 }
  const loader = load(labelled(), options)
  const whole = await take(loader.epoch(0))
  const { images, ...looked } = (await loader.look(2))!
  expect(images).toEqual(whole[0]!.images.slice(0, 2))
  const first = (await loader.look(3))!
  expect(first).toMatchObject({ pixels: whole[0]!.pixels, shape: whole[0]!.shape })
  expect(looked.shape[0]).toBe(2)
  expect(await take(loader.epoch(0))).toEqual(whole)
})

test("a mosaic has its partners' objects under their own labels, and no epoch beyond the last mixed one has any", async () => {
  const dataset = labelled()
  const augment = { ...augmentPresets.none, mosaic: 1 }
  const mixed = await take(load(dataset, { augment, mixing: (epoch) => epoch < 1, batchSize: 7 }).epoch(0))
  const foreign = mixed[0]!.images.map(({ record, labels }) =>
    [...labels].filter((label) => label !== record.labels[0]),
  )
  expect(foreign.flat().length).toBeGreaterThan(0)
  for (const { labels, boxes, crowd, difficult, height, width } of mixed[0]!.images) {
    expect([boxes.length / 4, crowd.length, difficult.length]).toEqual([labels.length, labels.length, labels.length])
    expect([...difficult]).toEqual([...labels].map(() => 1))
    expect([height, width]).toEqual([60, 80])
  }
  const closed = await take(load(dataset, { augment, mixing: (epoch) => epoch < 1, batchSize: 7 }).epoch(1))
  expect(closed).toEqual(await take(load(dataset, { batchSize: 7 }).epoch(1)))
})
