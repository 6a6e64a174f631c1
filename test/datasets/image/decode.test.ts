import { execFileSync } from "node:child_process"
import { symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import sharp from "sharp"
import { expect, test } from "vitest"
import { decodeImage } from "../../../datasets/image/decode.js"
import { imageFileSize } from "../../../datasets/image/file-size.js"
import { readHeader } from "../../../datasets/image/header.js"
import { hugePng, png, tempFolder, writeFiles } from "../samples.js"

const decoders = ["sharp", "javascript"] as const

test("a few bytes that claim to be a large picture are not decoded; flat pictures, which are small files, are", async () => {
  const few = Buffer.from(await sharp(png(16, 16)).jpeg().toBuffer())
  const at = few.indexOf(Buffer.from([0xff, 0xc0])) + 5
  few.writeUInt16BE(9000, at)
  few.writeUInt16BE(4000, at + 2)
  const flat = await sharp({ create: { width: 3000, height: 3000, channels: 3, background: "white" } })
    .png({ palette: true, compressionLevel: 9 })
    .toBuffer()
  for (const decoder of decoders) {
    for (const [bytes, size] of [
      [few, "4000x9000"],
      [hugePng(6000, 6000), "6000x6000"],
    ] as const) {
      const message = `it says that it is ${size}, and has ${bytes.length} bytes`
      await expect(decodeImage(bytes, { decoder })).rejects.toMatchObject({ kind: "unreadable-image", message })
    }
    expect(await decodeImage(flat, { decoder })).toMatchObject({ width: 3000, height: 3000 })
  }
})

/** An upright picture with four different quarters, stored turned by an EXIF orientation. */
async function turned(orientation: number): Promise<Buffer> {
  const [red, green, blue, white] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ]
  const quarters = { "0,0": red!, "0,1": green!, "1,0": blue!, "1,1": white! }
  const [height, width] = [32, 48]
  const upright = Buffer.alloc(3 * height * width)
  for (let i = 0; i < height * width; i++) {
    const key = `${Number(Math.floor(i / width) >= height / 2)},${Number(i % width >= width / 2)}`
    upright.set(quarters[key as keyof typeof quarters], 3 * i)
  }
  // The way back from upright to stored, written down from the Exif standard's pictures.
  const raw = () => sharp(upright, { raw: { width, height, channels: 3 } })
  const stored = {
    1: () => raw(),
    2: () => raw().flop(),
    3: () => raw().rotate(180),
    4: () => raw().flip(),
    5: async () => sharp(await raw().rotate(90).png().toBuffer()).flop(),
    6: () => raw().rotate(270),
    7: async () => sharp(await raw().rotate(270).png().toBuffer()).flop(),
    8: () => raw().rotate(90),
  }[orientation as 1]
  return (await stored()).withMetadata({ orientation }).jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).toBuffer()
}

const at = ({ data, width }: { data: Uint8Array; width: number }, y: number, x: number) =>
  [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)].map((value) => Math.round(value / 255))

for (const decoder of decoders) {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(`EXIF orientation %i comes upright with ${decoder}`, async (orientation) => {
    const image = await decodeImage(await turned(orientation), { decoder })
    expect([image.height, image.width, image.orientation]).toEqual([32, 48, orientation])
    expect([at(image, 8, 12), at(image, 8, 36), at(image, 24, 12), at(image, 24, 36)]).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [1, 1, 1],
    ])
  })

  test(`grey, alpha and 16 bits become RGB bytes with ${decoder}`, async () => {
    const grey = await sharp(png(4, 3, [90, 90, 90]))
      .toColourspace("b-w")
      .png()
      .toBuffer()
    expect([...(await decodeImage(grey, { decoder })).data.subarray(0, 4)]).toEqual([90, 90, 90, 90])
    const clear = await sharp({
      create: { width: 4, height: 3, channels: 4, background: { r: 9, g: 8, b: 7, alpha: 0.5 } },
    })
      .png()
      .toBuffer()
    expect([...(await decodeImage(clear, { decoder })).data.subarray(0, 6)]).toEqual([9, 8, 7, 9, 8, 7])
    const deep = await sharp(png(4, 3, [10, 20, 30]))
      .toColourspace("rgb16")
      .png()
      .toBuffer()
    expect(deep[24]).toBe(16)
    expect([...(await decodeImage(deep, { decoder })).data.subarray(0, 3)]).toEqual([10, 20, 30])
  })

  test(`a header that claims too many pixels is refused before decoding, with ${decoder}`, async () => {
    await expect(decodeImage(hugePng(50_000, 50_000), { decoder })).rejects.toMatchObject({
      kind: "oversized-image",
      message: `50000x50000 is 2500.0 million pixels, more than ${decoder === "javascript" ? "40.0" : "89.5"} million`,
    })
  })

  test(`a side that no JPEG could have, and a size of 0, are refused with ${decoder}`, async () => {
    const sides = { kind: "oversized-image", message: "70000x4: a side is longer than 65500 pixels" }
    await expect(decodeImage(hugePng(70_000, 4), { decoder })).rejects.toMatchObject(sides)
    await expect(decodeImage(hugePng(0, 4), { decoder })).rejects.toMatchObject({ kind: "unreadable-image" })
  })

  test(`what is no image is unreadable with ${decoder}`, async () => {
    for (const bytes of [Buffer.from("hello"), Buffer.alloc(0), png(9, 9).subarray(0, 40)]) {
      await expect(decodeImage(bytes, { decoder })).rejects.toMatchObject({ kind: "unreadable-image" })
    }
  })
}

test("a file that ends early gives what arrived, and is marked, by sharp, and unreadable without", async () => {
  const whole = await sharp({
    create: {
      width: 64,
      height: 64,
      channels: 3,
      background: "white",
      noise: { type: "gaussian", mean: 128, sigma: 40 },
    },
  })
    .jpeg()
    .toBuffer()
  expect((await decodeImage(whole, { decoder: "sharp" })).truncated).toBe(false)
  const cut = await decodeImage(whole.subarray(0, whole.length * 0.6), { decoder: "sharp" })
  expect([cut.truncated, cut.height, cut.width, cut.data.length]).toEqual([true, 64, 64, 64 * 64 * 3])
  const without = decodeImage(whole.subarray(0, whole.length * 0.6), { decoder: "javascript" })
  await expect(without).rejects.toMatchObject({ kind: "unreadable-image" })
})

test("a TIFF whose parts are missing or broken is marked too", async () => {
  const whole = await sharp(png(16, 16, [200, 30, 30]))
    .tiff({ compression: "none", predictor: "none" })
    .toBuffer()
  const truncated = async (bytes: Uint8Array) => (await decodeImage(bytes)).truncated
  expect(await truncated(whole)).toBe(false)
  const compression = whole.indexOf(Buffer.from([0x03, 0x01, 3, 0]))
  expect(compression).toBeGreaterThan(0)
  // LZW, JPEG, deflate: the bytes are none of them.
  for (const kind of [5, 7, 8]) {
    const other = Buffer.from(whole)
    other.writeUInt16LE(kind, compression + 8)
    expect(await truncated(other), String(kind)).toBe(true)
  }
  // More rows than there are bytes for.
  const rows = whole.indexOf(Buffer.from([0x01, 0x01, 3, 0]))
  const taller = Buffer.from(whole)
  taller.writeUInt16LE(4000, rows + 8)
  expect(await truncated(taller)).toBe(true)
})

test("CMYK becomes RGB", async () => {
  const cmyk = await sharp(png(16, 16, [200, 30, 30]))
    .toColourspace("cmyk")
    .jpeg({ quality: 100 })
    .toBuffer()
  const { data } = await decodeImage(cmyk)
  expect(data.length).toBe(16 * 16 * 3)
  expect([data[0]! > 150, data[1]! < 90, data[2]! < 90]).toEqual([true, true, true])
})

test("a missing file is told from an unreadable one", async () => {
  const folder = tempFolder()
  await expect(decodeImage(join(folder, "a.png"))).rejects.toMatchObject({ kind: "missing-image" })
  writeFiles(folder, { "b.png/c": "" })
  await expect(decodeImage(join(folder, "b.png"))).rejects.toMatchObject({ kind: "unreadable-image" })
})

test("a header tells size and orientation without the rest of the file", async () => {
  const bytes = await turned(6)
  expect(readHeader(bytes.subarray(0, bytes.length - 100))).toEqual({
    format: "jpeg",
    width: 32,
    height: 48,
    orientation: 6,
    channels: 3,
  })
  expect(readHeader(png(5, 4))).toEqual({ format: "png", width: 5, height: 4, orientation: 1 })
  expect(readHeader(Buffer.from("GIF89a"))).toBeUndefined()
  expect(readHeader(Buffer.from("no image at all, but long enough"))).toBeUndefined()
})

const drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="5" height="5"/></svg>'

test.each([
  [drawing, "of the kind SVG"],
  [`\ufeff<?xml version="1.0"?>${drawing}`, "of the kind SVG"],
  ["%PDF-1.4\n", "of the kind PDF"],
  ["P6 40000 40000 255\n", "of the kind PNM"],
  ["1,2,3\n", "it is no image: expected JPEG"],
  ["<!DOCTYPE html>", "of the kind HTML"],
  ["version https://git-lfs.github.com/spec/v1\n", "of the kind Git LFS pointer"],
  ["\0".repeat(100), "zeros only"],
])("what no decoder is given is named by its content: %j", async (content, message) => {
  const path = join(tempFolder(), "a.png")
  writeFileSync(path, content)
  await expect(decodeImage(path)).rejects.toThrow(message)
  await expect(imageFileSize(path)).rejects.toThrow(message)
})

test.skipIf(process.platform === "win32")("a pipe and a device are not opened", async () => {
  const folder = tempFolder()
  const [pipe, device] = [join(folder, "pipe.jpg"), join(folder, "zero.jpg")]
  execFileSync("mkfifo", [pipe])
  symlinkSync("/dev/zero", device)
  for (const path of [pipe, device]) {
    await expect(decodeImage(path)).rejects.toThrow("it is a pipe or a device, not a file")
    await expect(imageFileSize(path)).rejects.toThrow("it is a pipe or a device, not a file")
  }
})
