import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { FaultPolicy, ImageRecord } from "../../datasets/dataset.js"
import { withPolicies } from "../../datasets/faults.js"
import { encodeImage } from "../../datasets/image/encode.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { readDataset } from "../../datasets/read.js"
import type { Detections } from "../../src/boxes/boxes.js"
import { detectRecords } from "../../src/predict/detect-records.js"
import { png } from "../datasets/samples.js"
import { brightBox, shown, twins, writeTwin } from "../datasets/turned-photos.js"
import { dummyDetector } from "../support/dummy-detector.js"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-records-"))
  writeFileSync(join(folder, "a.png"), png(8, 6))
  writeFileSync(join(folder, "broken.png"), "no")
  writeFileSync(join(folder, "c.png"), png(4, 2))
})
afterEach(() => rmSync(folder, { recursive: true }))

type Take = Parameters<typeof detectRecords>[3]
const drop: Take = () => {}
const records = (...names: readonly string[]) =>
  names.map((name) => ({ file: join(folder, name) }) as Partial<ImageRecord> as ImageRecord)

test("what was found comes with its image, of an unreadable one the reason", async () => {
  const seen: number[] = []
  const images = records("a.png", "broken.png", "c.png", "none.png")
  const onImage = (done: number) => void seen.push(done)
  const taken: (readonly [string, Detections])[] = []
  const take: Take = ({ file }, found) => void taken.push([file, found])
  const failed = await detectRecords(dummyDetector(), images, {}, take, { onImage })
  expect(taken.map(([file, { scores }]) => [file, scores.length])).toEqual([
    [images[0]!.file, 2],
    [images[2]!.file, 2],
  ])
  expect([...taken[1]![1].boxes.subarray(0, 4)]).toEqual([0, 0, 4, 2])
  expect(failed.map(({ file }) => file)).toEqual([images[1]!.file, images[3]!.file])
  expect(failed[1]!.message).toBe("there is no such file")
  expect(seen).toEqual([1, 2, 3, 4])
})

test("a file that ended early is looked at all the same: detect refuses it, but here its truths count", async () => {
  const whole = await encodeImage({
    data: new Uint8Array(64 * 64 * 3).map((_, at) => at % 251),
    height: 64,
    width: 64,
  })
  writeFileSync(join(folder, "cut.jpg"), whole.subarray(0, whole.length / 2))
  const boxes: number[][] = []
  const take: Take = (_, found) => void boxes.push([...found.boxes.subarray(0, 4)])
  expect(await detectRecords(dummyDetector(), records("cut.jpg"), {}, take)).toEqual([])
  expect(boxes).toEqual([[0, 0, 64, 64]])
})

test("options reach the detector", async () => {
  const counts: number[] = []
  const take: Take = (_, { scores }) => void counts.push(scores.length)
  await detectRecords(dummyDetector(), records("a.png"), { score: 0.5 }, take)
  expect(counts).toEqual([1])
})

test("an aborted signal leaves out the rest", async () => {
  const controller = new AbortController()
  const files: string[] = []
  const take: Take = ({ file }) => void files.push(file)
  const images = records("a.png", "c.png")
  await detectRecords(dummyDetector(), images, {}, take, {
    onImage: () => controller.abort(),
    signal: controller.signal,
  })
  expect(files).toEqual([images[0]!.file])
})

test("a bug is not taken for an unreadable image", async () => {
  const network = { ...dummyDetector(), detect: () => Promise.reject(new TypeError("a bug")) }
  await expect(detectRecords(network, records("a.png"), {}, drop)).rejects.toThrow("a bug")
})

test.each(twins)("%s photos are looked at in the frame of their boxes, and what did not fit is told", async (twin) => {
  const { images, source } = await readDataset(await writeTwin(folder, twin))
  const seen: number[][] = []
  const network = {
    ...dummyDetector(),
    detect: (image: RgbImage) => {
      seen.push(brightBox(image))
      return dummyDetector().detect(image, {})
    },
  }
  const faults = new PhotoFaults(source)
  await detectRecords(network, images, {}, drop, { faults })
  expect(seen).toEqual([shown.box])
  expect(faults.faults.map(({ kind, file }) => [kind, file])).toEqual(
    twin === "stored" ? [["size-mismatch", "JPEGImages/a.jpg"]] : [],
  )
})

test("a policy leaves out what it says, for scoring too", async () => {
  const { images } = await readDataset(await writeTwin(folder, "stored"))
  const look = (policy: FaultPolicy) =>
    detectRecords(dummyDetector(), images, {}, drop, {
      faults: new PhotoFaults(folder, withPolicies({ "size-mismatch": policy })),
    })
  expect((await look("skip")).length).toBe(1)
  expect((await look("fix")).length).toBe(0)
  await expect(look("fail")).rejects.toThrow("a.jpg: size-mismatch")
})
