import { join } from "node:path"
import sharp from "sharp"
import { expect, test } from "vitest"
import { checkImages } from "../../datasets/check-images.js"
import type { ImageRecord } from "../../datasets/dataset.js"
import { hugePng, png, tempFolder, writeFiles } from "./samples.js"

async function sample() {
  const folder = tempFolder()
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const
  const whole = await sharp({ create: { width: 64, height: 64, channels: 3, background: "white", noise } })
    .jpeg()
    .toBuffer()
  writeFiles(folder, {
    "bomb.png": hugePng(90_000, 90_000),
    "cut.jpg": whole.subarray(0, whole.length / 2),
    "fine.png": png(64, 64),
    "other.png": png(64, 32),
    "text.jpg": "no image",
  })
  const empty = { boxes: new Float64Array(), areas: new Float64Array(), labels: new Int32Array() }
  const flags = { crowd: new Uint8Array(), difficult: new Uint8Array() }
  const images = ["bomb.png", "cut.jpg", "fine.png", "gone.png", "other.png", "text.jpg"].map(
    (name): ImageRecord => ({
      id: name,
      imageId: 1,
      file: join(folder, name),
      width: 64,
      height: 64,
      ...empty,
      ...flags,
    }),
  )
  return { source: folder, images }
}

const summary = (faults: Awaited<ReturnType<typeof checkImages>>) => faults.map(({ kind, file }) => `${kind} ${file}`)

test("every image that is broken, cut, too large, missing or of another size is named", async () => {
  const done: number[] = []
  const faults = await checkImages(await sample(), { workers: 1, onProgress: (count) => done.push(count) })
  expect(summary(faults)).toEqual([
    "oversized-image bomb.png",
    "truncated-image cut.jpg",
    "missing-image gone.png",
    "size-mismatch other.png",
    "unreadable-image text.jpg",
  ])
  expect(done).toEqual([6])
})

test("headers alone tell all but the file that ends early", async () => {
  const faults = await checkImages(await sample(), { decode: false })
  expect(summary(faults)).toEqual([
    "oversized-image bomb.png",
    "missing-image gone.png",
    "size-mismatch other.png",
    "unreadable-image text.jpg",
  ])
})
