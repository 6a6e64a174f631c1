import { join } from "node:path"
import sharp from "sharp"
import { expect, test } from "vitest"
import { faultPolicies } from "../../datasets/faults.js"
import { decodeImage } from "../../datasets/image/decode.js"
import { orient, type RgbImage, turnBack } from "../../datasets/image/rgb.js"
import { openSample, type Photo, sendable } from "../../datasets/open-sample.js"
import { photoSize } from "../../datasets/photo-size.js"
import { tempFolder, writeFiles } from "./samples.js"

/** 4 x 2 blocks of 8 pixels, each of another grey: every orientation looks different. */
const stored: RgbImage = {
  data: Uint8Array.from({ length: 32 * 16 * 3 }, (_, i) => {
    const [x, y] = [(Math.floor(i / 3) % 32) >> 3, Math.floor(i / 96) >> 3]
    return 30 * (4 * y + x)
  }),
  height: 16,
  width: 32,
}

const jpegOf = (orientation: number) =>
  sharp(stored.data, { raw: { width: 32, height: 16, channels: 3 } })
    .withMetadata({ orientation })
    .jpeg({ quality: 100 })
    .toBuffer()

const pixels = async (photo: Photo) => (await openSample(photo)).image!

test.each([5, 6, 7, 8])(
  "orientation %i: boxes of the stored picture get it, boxes of the upright one get that",
  async (orientation) => {
    const image = await jpegOf(orientation)
    const raw = await decodeImage(image, { autoOrient: false })
    const asStored = await openSample({ file: "a.jpg", image, width: 32, height: 16 })
    expect(Buffer.compare(asStored.image!.data, raw.data)).toBe(0)
    expect(asStored.image).toMatchObject({ width: 32, height: 16 })
    expect(asStored.problems.map(({ kind }) => kind)).toEqual(["size-mismatch"])
    const upright = await openSample({ file: "a.jpg", image, width: 16, height: 32 })
    expect(Buffer.compare(upright.image!.data, orient(raw, orientation).data)).toBe(0)
    expect(upright).toMatchObject({ image: { width: 16, height: 32 }, problems: [] })
  },
)

test("without an annotated size, and with one that fits neither way, a photo is upright", async () => {
  const image = await jpegOf(6)
  expect(await pixels({ file: "a.jpg", image })).toMatchObject({ width: 16, height: 32 })
  expect(await openSample({ file: "a.jpg", image, width: 320, height: 160 })).toMatchObject({
    image: { width: 16, height: 32 },
    problems: [{ kind: "size-mismatch" }],
  })
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])("turning back undoes orientation %i", (orientation) => {
  expect(turnBack(orient(stored, orientation), orientation)).toEqual(stored)
})

test("pixels, bytes, a path and a function that gives either are the same photo", async () => {
  const folder = tempFolder()
  const bytes = await sharp(stored.data, { raw: { width: 32, height: 16, channels: 3 } })
    .png()
    .toBuffer()
  writeFiles(folder, { "a.png": bytes })
  const file = join(folder, "a.png")
  for (const image of [stored, bytes, file, () => stored, async () => bytes]) {
    const opened = await pixels({ file: "made up", image })
    expect([opened.width, opened.height]).toEqual([32, 16])
    expect(Buffer.compare(opened.data, stored.data)).toBe(0)
  }
  expect(Buffer.compare((await pixels({ file })).data, stored.data)).toBe(0)
})

test("a photo that is sent to a thread does not take others of its buffer along", async () => {
  const many = new Uint8Array(1000)
  const image = { data: many.subarray(30, 36), width: 2, height: 1 }
  const sent = await sendable({ file: "made up", image })
  expect(sent).toEqual({ file: "made up", width: 0, height: 0, image })
  expect((sent.image as RgbImage).data.buffer.byteLength).toBe(6)
  const bytes = await sendable({ file: "made up", image: many.subarray(0, 5) })
  expect((bytes.image as Uint8Array).buffer.byteLength).toBe(5)
})

test("pixels that do not fill their size are unreadable", async () => {
  const image = { data: new Uint8Array(5), width: 2, height: 1 }
  expect(await openSample({ file: "made up", image })).toEqual({
    image: undefined,
    problems: [{ kind: "unreadable-image", message: "expected RGB pixels, 1 x 2 x 3 = 6 bytes, got 5" }],
  })
})

test("a policy leaves a photo out that ended early; else what arrived is used", async () => {
  const whole = await sharp({
    create: { width: 64, height: 64, channels: 3, background: "red", noise: { type: "gaussian", mean: 99, sigma: 30 } },
  })
    .jpeg()
    .toBuffer()
  const photo = { file: "cut.jpg", image: whole.subarray(0, whole.length / 2) }
  expect(await openSample(photo)).toMatchObject({ image: { width: 64 }, problems: [{ kind: "truncated-image" }] })
  const policies = { ...faultPolicies, "truncated-image": "skip" } as const
  expect(await openSample(photo, { policies })).toMatchObject({
    image: undefined,
    problems: [{ kind: "truncated-image" }],
  })
})

test("the size in the frame of the boxes is told without decoding", async () => {
  const image = await jpegOf(6)
  expect(await photoSize({ file: "a.jpg", image, width: 32, height: 16 })).toMatchObject({
    size: { width: 32, height: 16, frame: "stored", orientation: 6 },
    problems: [{ kind: "size-mismatch" }],
  })
  expect(await photoSize({ file: "a.jpg", image, width: 16, height: 32 })).toMatchObject({
    size: { width: 16, height: 32, frame: "upright" },
    problems: [],
  })
  expect(await photoSize({ file: "a.jpg", image: stored })).toMatchObject({ size: { width: 32, height: 16 } })
  expect(await photoSize({ file: join(tempFolder(), "gone.jpg") })).toMatchObject({
    size: undefined,
    problems: [{ kind: "missing-image" }],
  })
})
