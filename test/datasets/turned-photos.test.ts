import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { decodeImage } from "../../datasets/image/decode.js"
import { readHeader } from "../../datasets/image/header.js"
import { detectionLoader } from "../../datasets/loader/detection-loader.js"
import { openSample } from "../../datasets/open-sample.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { withPhotoSizes } from "../../datasets/photo-size.js"
import { readDataset } from "../../datasets/read.js"
import { type WriteFormat, writeDataset } from "../../datasets/write.js"
import { tempFolder, writeFiles } from "./samples.js"
import { brightBox, shown, type Twin, twins, writeTwin } from "./turned-photos.js"

test.each(twins)("%s: the photo is opened so that its box holds what it was drawn around", async (twin) => {
  const { images } = await readDataset(await writeTwin(tempFolder(), twin))
  expect([...images[0]!.boxes]).toEqual(shown.box)
  expect(brightBox((await openSample(images[0]!)).image!)).toEqual(shown.box)
})

test.each(twins)("%s: a training batch shows the photo so", async (twin) => {
  const set = await readDataset(await writeTwin(tempFolder(), twin))
  const loader = detectionLoader(set, { workers: 0, sizes: [shown.height], maxSize: 99, divisor: 1, flip: 0 })
  for await (const { pixels, shape, images } of loader.epoch(0)) {
    const data = Uint8Array.from(pixels, (value) => (value > 0 ? 255 : 0))
    expect(brightBox({ data, height: shape[1], width: shape[2] })).toEqual([...images[0]!.boxes])
  }
  expect(loader.faults.length).toBe(twin === "stored" ? 1 : 0)
})

const formats: readonly WriteFormat[] = ["voc", "coco", "yolo"]

test.each(twins.flatMap((twin) => formats.map((format) => [twin, format] as const)))(
  "%s to %s: the copy has the same boxes, and every reader of EXIF sees the same picture",
  async (twin, format) => {
    const folder = tempFolder()
    const set = await readDataset(await writeTwin(folder, twin))
    const { faults } = await writeDataset([set], format, join(folder, "out"))
    expect(faults.map(({ kind }) => kind)).toEqual(twin === "stored" ? ["size-mismatch"] : [])
    const copy = await readDataset(join(folder, "out"))
    const record = copy.images[0]!
    expect([...record.boxes].map((value) => Number(value.toFixed(2)))).toEqual(shown.box)
    expect([record.width, record.height]).toEqual([shown.width, shown.height])
    expect(brightBox((await openSample(record)).image!)).toEqual(shown.box)
    expect(brightBox(await decodeImage(record.file))).toEqual(shown.box)
    expect((await openSample(record)).problems).toEqual([])
  },
)

test("a photo that is written as it was stored keeps every byte of its picture", async () => {
  const folder = tempFolder()
  const set = await readDataset(await writeTwin(folder, "stored"))
  await writeDataset([set], "voc", join(folder, "out"))
  const [before, after] = [set, await readDataset(join(folder, "out"))].map(({ images }) => images[0]!.file)
  const raw = await decodeImage(before!, { autoOrient: false })
  expect(Buffer.compare((await decodeImage(after!)).data, raw.data)).toBe(0)
})

test("sizes are those of the pictures, whatever the annotation says", async () => {
  const { images } = await readDataset(await writeTwin(tempFolder(), "upright"))
  const faults = new PhotoFaults()
  const gone = { ...images[0]!, file: join(tempFolder(), "gone.jpg") }
  const sized = await withPhotoSizes([{ ...images[0]!, width: 24, height: 18 }, gone], faults)
  expect(sized.map(({ width, height }) => [width, height])).toEqual([[shown.width, shown.height]])
  expect(faults.faults.map(({ kind }) => kind)).toEqual(["size-mismatch", "missing-image"])
})

test("a PNG's orientation counts as the decoder counts it", async () => {
  const sharp = (await import("sharp")).default
  const png = await sharp({ create: { width: 8, height: 4, channels: 3, background: "red" } })
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer()
  expect(readHeader(png)).toEqual({ format: "png", width: 8, height: 4, orientation: 6 })
  for (const decoder of ["sharp", "javascript"] as const) {
    expect(await decodeImage(png, { decoder })).toMatchObject({ width: 4, height: 8, orientation: 6 })
  }
})

/** Photos `a` on its side and `b` turned by 180 degrees, annotated the same way. */
async function withHalfTurn(twin: Twin) {
  const folder = tempFolder()
  const [side, half] = [await writeTwin(join(folder, "side"), twin), await writeTwin(join(folder, "half"), twin, 3)]
  copyFileSync(join(half, "JPEGImages/a.jpg"), join(side, "JPEGImages/b.jpg"))
  copyFileSync(join(half, "Annotations/a.xml"), join(side, "Annotations/b.xml"))
  writeFiles(side, { "ImageSets/Main/train.txt": "a\nb\n", "ImageSets/Main/val.txt": "b\n" })
  return side
}

test.each(twins)("%s: a photo turned by 180 degrees is opened as the others of its data set", async (twin) => {
  const { images, notices } = await readDataset(await withHalfTurn(twin))
  for (const image of images) expect(brightBox((await openSample(image)).image!)).toEqual(shown.box)
  expect(notices?.some((notice) => /taken as drawn in the pixels as they are stored: 1 photos/.test(notice))).toBe(
    twin === "stored",
  )
  const loader = detectionLoader(
    { source: "", images },
    { workers: 1, sizes: [36], maxSize: 99, flip: 0, batchSize: 1 },
  )
  for await (const { pixels, shape, images: own } of loader.epoch(0)) {
    const data = Uint8Array.from(pixels, (value) => (value > 0 ? 255 : 0))
    expect(brightBox({ data, height: shape[1], width: shape[2] })).toEqual([...own[0]!.boxes])
  }
  await loader.close()
})

test("where photos on their side disagree, each is taken by its own size, and others as they are shown", async () => {
  const folder = await withHalfTurn("stored")
  const other = await writeTwin(tempFolder(), "upright")
  copyFileSync(join(other, "JPEGImages/a.jpg"), join(folder, "JPEGImages/c.jpg"))
  copyFileSync(join(other, "Annotations/a.xml"), join(folder, "Annotations/c.xml"))
  writeFiles(folder, { "ImageSets/Main/train.txt": "a\nb\nc\n" })
  const { images } = await readDataset(folder)
  const boxes = []
  for (const image of images) boxes.push(brightBox((await openSample(image)).image!))
  const [x1, y1, x2, y2] = shown.box
  const halfTurned = [shown.width - x2, shown.height - y2, shown.width - x1, shown.height - y1]
  expect(boxes).toEqual([shown.box, halfTurned, shown.box])
})
