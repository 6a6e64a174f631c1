import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { DataError, UsageError } from "../../src/core/errors.js"
import { type DetectParts, detectWith } from "../../src/tasks/detect-folder.js"
import type { ImageReport } from "../../src/tasks/take-detections.js"
import { decodeDummy, dummyDetector } from "../support/dummy-detector.js"
import { tarOf } from "../support/tar-files.js"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-detect-"))
  mkdirSync(join(folder, "photos/sub"), { recursive: true })
  writeFileSync(join(folder, "photos/a.jpg"), "8x6")
  writeFileSync(join(folder, "photos/b.jpg"), "broken")
  writeFileSync(join(folder, "photos/sub/a.jpg"), "4x2")
})
afterEach(() => rmSync(folder, { recursive: true }))

const size = ({ width, height }: RgbImage) => Buffer.from(`${width}x${height}`)

function parts(network = dummyDetector()): DetectParts {
  return {
    openNetwork: async () => network,
    decode: decodeDummy,
    draw: async (pixels, detections) => Buffer.from(`${size(pixels)} with ${detections.length}`),
    encode: async (pixels) => size(pixels),
  }
}

async function detect(options: object = {}, signal = new AbortController().signal, chosen = parts()) {
  const places = { weights: "w", source: join(folder, "photos"), out: join(folder, "out") }
  const images: ImageReport[] = []
  const summary = await detectWith(
    chosen,
    { ...places, ...options },
    { signal, onImage: (image) => images.push(image) },
  )
  return { summary, images }
}

const read = (name: string) => readFileSync(join(folder, "out", name), "utf8")
const written = () =>
  readdirSync(join(folder, "out"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, "out/").length))
    .sort()

test("every image has its line, and the unreadable one is told and passed over", async () => {
  const { summary, images } = await detect({ score: 0 })
  const labels = [{ label: "dog" }, { label: "cat" }]
  expect(images).toMatchObject([
    { path: "a.jpg", place: 1, total: 3, found: { width: 8, height: 6, detections: labels } },
    { path: "b.jpg", place: 2, error: new DataError("not an image") },
    { path: "sub/a.jpg", place: 3, found: { width: 4, height: 2, detections: labels } },
  ])
  expect(summary).toEqual({
    folder: join(folder, "out"),
    images: 3,
    skipped: 1,
    objects: { dog: 2, cat: 2 },
    finished: true,
    canResume: true,
    score: 0,
    bestScore: null,
    imagesPerSecond: expect.any(Number),
    video: null,
  })
})

test("only what came to its end is finished: with an unreadable image it is, with half an archive not", async () => {
  const isFinished = (name: string) => JSON.parse(readFileSync(join(folder, name, "detect.json"), "utf8")).finished
  await detect()
  expect(isFinished("out")).toBe(true)
  const source = join(folder, "half.tar")
  writeFileSync(source, tarOf({ "a.jpg": "8x6", "b.jpg": "4x2" }).subarray(0, 1024 + 512 + 1))
  const half = detect({ source, out: join(folder, "half") })
  await expect(half).rejects.toThrow(/the archive is broken/)
  expect(isFinished("half")).toBe(false)
})

test("the score `best` is that of the weights' validation, and an error where there was none", async () => {
  const validated = { ...dummyDetector(), bestScore: 0.25 }
  const { summary } = await detect({ score: "best" }, undefined, parts(validated))
  expect(summary).toMatchObject({ score: 0.25, bestScore: 0.25, objects: { dog: 2, cat: 2 } })
  expect(JSON.parse(read("detect.json"))).toMatchObject({ options: { score: 0.25 } })
  rmSync(join(folder, "out"), { recursive: true })
  await expect(detect({ score: "best" })).rejects.toThrow("--score best: w tells of no validation. Give a number")
  const several = detect({ score: "best", weights: ["w", "v"] })
  await expect(several).rejects.toThrow("--score best: several detectors have none together")
})

test("classes that are not wanted are left out everywhere, and an unknown one is refused", async () => {
  const { summary } = await detect({ score: 0, classes: ["cat"], crops: true, format: ["csv"] })
  expect(summary.objects).toEqual({ cat: 2 })
  expect(JSON.parse(read("detect.json"))).toMatchObject({ only: ["cat"] })
  expect(read("detections.jsonl")).not.toContain("dog")
  expect(read("images/sub/a.jpg")).toBe("4x2 with 1")
  expect(readdirSync(join(folder, "out", "crops"))).toEqual(["cat"])
  const unknown = detect({ classes: ["kat"], out: join(folder, "other") })
  await expect(unknown).rejects.toThrow('--classes: no class "kat". Did you mean "cat"? Known: cat, dog')
})

test("pictures and lines mirror the source's folders", async () => {
  await detect()
  expect(written()).toEqual(["detect.json", "detections.jsonl", "images/a.jpg", "images/sub/a.jpg"])
  expect(read("images/sub/a.jpg")).toBe("4x2 with 1")
})

test("crops go to a folder a class", async () => {
  await detect({ draw: false, crops: true, score: 0, format: ["csv"] })
  expect(written()).toEqual([
    "crops/cat/a-2.jpg",
    "crops/cat/sub/a-2.jpg",
    "crops/dog/a-1.jpg",
    "crops/dog/sub/a-1.jpg",
    "detect.json",
    "detections.csv",
    "detections.jsonl",
  ])
  expect(read("crops/cat/a-2.jpg")).toBe("1x1")
})

test("nothing found is said", async () => {
  const { summary, images } = await detect({ score: 1 })
  expect(images[0]).toMatchObject({ path: "a.jpg", found: { detections: [] } })
  expect(summary.objects).toEqual({})
})

test("an interrupted run keeps what it had as whole files", async () => {
  const controller = new AbortController()
  const network = dummyDetector()
  const { detect: find } = network
  network.detect = (...args) => {
    controller.abort()
    return find.apply(network, args)
  }
  const { summary } = await detect({}, controller.signal, parts(network))
  expect(summary.images).toBe(1)
  expect(read("detections.jsonl").trimEnd().split("\n")).toHaveLength(1)
  expect(network.disposals).toBe(1)
})

test("a bug leaves what can be continued, and frees the network", async () => {
  const network = dummyDetector()
  network.detect = () => Promise.reject(new TypeError("a bug"))
  await expect(detect({}, undefined, parts(network))).rejects.toThrow(TypeError)
  expect(written()).toEqual(["detect.json", "detections.jsonl"])
  expect(read("detections.jsonl")).toBe("")
  expect(network.disposals).toBe(1)
})

test("a wrong format, a missing source and an empty folder are said before a network is loaded", async () => {
  const chosen = { ...parts(), openNetwork: () => Promise.reject(new Error("loaded")) }
  await expect(detect({ format: ["jsnl"] }, undefined, chosen)).rejects.toThrow(UsageError)
  await expect(detect({ source: join(folder, "none") }, undefined, chosen)).rejects.toThrow(UsageError)
  mkdirSync(join(folder, "empty"))
  await expect(detect({ source: join(folder, "empty") }, undefined, chosen)).rejects.toThrow(
    new DataError(`${join(folder, "empty")}: expected images, found none`),
  )
  expect(existsSync(join(folder, "out"))).toBe(false)
})
