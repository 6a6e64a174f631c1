import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { trainDefaults } from "../../src/tasks/options/train-detector.js"
import { resumeDetector, trainDetector } from "../../src/tasks/train-detector.js"
import { largestBatch } from "../../src/tasks/training/choose-batch.js"
import { heaviestPhotos } from "../../src/tasks/training/heaviest-photo.js"
import { tempFolder } from "../datasets/samples.js"
import { plainBackbone } from "../support/own-backbones.js"

const GB = 2 ** 30

/** A step of n takes 1.2 * (1 + n / 2) GB. */
const search = (free: number, most = 16) => {
  const asked: number[] = []
  const lines: string[] = []
  const peak = async (batch: number) => {
    asked.push(batch)
    return (1 + batch / 2) * GB
  }
  const how = { of: "images", most, why: "a paper's", measured: [1, 2, 4], peak }
  return { result: largestBatch(how, free * GB, { log: (line) => lines.push(line) }), asked, lines }
}

test("the largest batch takes no more than 60 % of the free memory, and says so", async () => {
  const { result, asked, lines } = search(10)
  // 1.2 + 0.6 n <= 6
  expect(await result).toBe(8)
  expect(asked).toEqual([1, 2, 4])
  expect(lines).toEqual([
    "--batch auto: 8 images: about 6.0 GB of 6.0 GB (60 % of the 10.0 GB that are free); measured 1.8 GB for 1, 2.4 GB for 2, 3.6 GB for 4",
  ])
})

test("a batch that will not fit is not measured, and no batch is larger than a published one", async () => {
  const tight = search(5)
  expect(await tight.result).toBe(3)
  expect(tight.asked).toEqual([1, 2])
  const roomy = search(100)
  expect(await roomy.result).toBe(16)
  expect(roomy.lines[0]).toContain("16 images, as many as are taken at most (a paper's)")
  const few = search(100, 1)
  expect(await few.result).toBe(1)
  expect(few.asked).toEqual([1])
})

test("where one image does not fit, or its step ends in want of memory, one line says so", async () => {
  await expect(search(2).result).rejects.toThrow(
    "--batch auto: a step of 1 images takes 1.8 GB, more than 1.2 GB (60 % of the 2.0 GB that are free). Lower --size",
  )
  const full = { of: "images", most: 16, why: "", measured: [1, 2] }
  const peak = () => Promise.reject(new Error("OOM when allocating tensor"))
  await expect(largestBatch({ ...full, peak }, GB, { log() {} })).rejects.toThrow("a step of 1 images does not fit")
  const broken = () => Promise.reject(new Error("no such file"))
  await expect(largestBatch({ ...full, peak: broken }, GB, { log() {} })).rejects.toThrow("no such file")
})

const grey = (width: number, height: number) => ({ data: new Uint8Array(3 * width * height).fill(99), width, height })
const photos = [grey(40, 40), grey(64, 32), grey(40, 40)]
const data = new Set(photos.map((image) => ({ image, boxes: [[4, 4, 30, 30]], labels: ["cell"] })))

test("memory is measured with pictures of the size that makes the largest input", () => {
  const images = photos.map((image, i) => ({ id: `${i}`, image, width: image.width, height: image.height }))
  const made = heaviestPhotos({ images } as never, { size: 32, maxSize: 200, sizeRule: "exact" }, [32], 3).images
  expect(made.map(({ width, height }) => [width, height])).toEqual([
    [64, 32],
    [64, 32],
    [64, 32],
  ])
  const tall = heaviestPhotos({ images } as never, { size: 64, maxSize: 64, sizeRule: "exact" }, [64], 1).images
  expect([tall[0]!.width, tall[0]!.height]).toEqual([40, 40])
})

test("a run with --batch auto keeps the number it chose, leaves no tensor behind, and goes on with it", async () => {
  const out = join(tempFolder(), "run")
  const lines: string[] = []
  const detector = { roi: { sample: { batchSizePerImage: 8 } } }
  const run = { data, backbone: plainBackbone(), out, batch: "auto" as const, size: 32, steps: 1, valEvery: 0 }
  await trainDetector({ ...run, workers: 0, detector }, { onLog: (line) => lines.push(line) })
  const { batch } = (JSON.parse(readFileSync(join(out, "config.json"), "utf8")) as { config: { batch: number } }).config
  // There are three images.
  expect(batch).toBe(3)
  expect(batch).not.toBe(trainDefaults.batch)
  expect(lines.find((line) => line.startsWith("--batch auto"))).toMatch(/^--batch auto: 3 images, .* \(all there are\)/)
  const before = tf.memory().numTensors
  const again: string[] = []
  await resumeDetector(out, { steps: 2, data, backbone: plainBackbone() }, { onLog: (line) => again.push(line) })
  expect(again.filter((line) => line.includes("--batch auto"))).toEqual([])
  expect(tf.memory().numTensors).toBe(before)
}, 60_000)
