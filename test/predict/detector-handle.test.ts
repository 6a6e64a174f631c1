import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { DataError, UsageError } from "../../src/core/errors.js"
import { detectorHandle } from "../../src/predict/detector-handle.js"
import { detectorLoader } from "../../src/predict/detector-loader.js"
import { decodeDummy, dummyDetector } from "../support/dummy-detector.js"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-handle-"))
  writeFileSync(join(folder, "a.jpg"), "8x6")
  writeFileSync(join(folder, "b.jpg"), "broken")
  writeFileSync(join(folder, "c.jpg"), "4x2")
})
afterEach(() => rmSync(folder, { recursive: true }))

const inEightBySix = {
  width: 8,
  height: 6,
  detections: [
    { label: "dog", classId: 2, score: 0.75, box: [0, 0, 8, 6] },
    { label: "cat", classId: 1, score: 0.25, box: [0, 0, 1, 1] },
  ],
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list = []
  for await (const item of items) list.push(item)
  return list
}

test("a path, the file's bytes and its pixels give the same detections", async () => {
  const detector = detectorHandle(dummyDetector(), decodeDummy)
  expect(await detector.detect(join(folder, "a.jpg"))).toEqual(inEightBySix)
  expect(await detector.detect(Buffer.from("8x6"))).toEqual(inEightBySix)
  expect(await detector.detect({ width: 8, height: 6, data: new Uint8Array(144) })).toEqual(inEightBySix)
})

test("options reach the network", async () => {
  const detector = detectorHandle(dummyDetector(), decodeDummy)
  expect((await detector.detect(join(folder, "a.jpg"), { score: 0.5 })).detections).toHaveLength(1)
})

test("classes without ids of their own count from 1", () => {
  expect(detectorHandle(dummyDetector(), decodeDummy).categoryIds).toEqual([1, 2])
  expect(detectorHandle({ ...dummyDetector(), categoryIds: [17, 18] }, decodeDummy).categoryIds).toEqual([17, 18])
})

test("a folder gives its images in order, the unreadable one with its error", async () => {
  const detector = detectorHandle(dummyDetector(), decodeDummy)
  const images = await all(detector.detectFolder(folder))
  expect(images.map(({ image }) => image)).toEqual(["a.jpg", "b.jpg", "c.jpg"])
  expect(images[0]).toEqual({ image: "a.jpg", file: join(folder, "a.jpg"), ...inEightBySix })
  expect(images[1]!.error).toEqual(new DataError(`${join(folder, "b.jpg")}: not an image`))
  expect(images[2]).toMatchObject({ width: 4, height: 2 })
})

test("the next image is decoded while the network runs, and never the whole folder", async () => {
  for (let i = 10; i < 30; i++) writeFileSync(join(folder, `${i}.jpg`), "2x2")
  let decoded = 0
  const ahead: number[] = []
  const network = dummyDetector()
  const { detect } = network
  let ran = 0
  network.detect = (...args) => {
    ahead.push(decoded - ran++)
    return detect.apply(network, args)
  }
  const detector = detectorHandle(network, (file) => {
    decoded++
    return decodeDummy(file)
  })
  await all(detector.detectFolder(folder))
  expect(Math.max(...ahead)).toBe(3)
  expect(Math.min(...ahead.slice(0, 10))).toBe(3)
})

test("an aborted signal ends the folder after the image at hand, without an error", async () => {
  const detector = detectorHandle(dummyDetector(), decodeDummy)
  const controller = new AbortController()
  const images = []
  for await (const { image } of detector.detectFolder(folder, { signal: controller.signal })) {
    images.push(image)
    controller.abort()
  }
  expect(images).toEqual(["a.jpg"])
  expect(await all(detector.detectFolder(folder, { signal: controller.signal }))).toEqual([])
})

test("what is not a file's fault stops the folder", async () => {
  const network = dummyDetector()
  const decode = () => Promise.reject(new TypeError("a bug"))
  await expect(all(detectorHandle(network, decode).detectFolder(folder))).rejects.toThrow(new TypeError("a bug"))
})

test.each([
  [{ score: 2 }, "detect: expected score to be a number from 0 to 1, got 2"],
  [{ nms: -1 }, "detect: expected nms to be a number from 0 to 1, got -1"],
  [{ maxDetections: 0 }, "detect: expected maxDetections to be a whole number, 1 or more, got 0"],
])("the options %j are refused", async (options, line) => {
  const detector = detectorHandle(dummyDetector(), decodeDummy)
  await expect(detector.detect(join(folder, "a.jpg"), options)).rejects.toThrow(new UsageError(line))
})

test("an unknown option names the nearest one", async () => {
  const detector = detectorHandle(dummyDetector(), decodeDummy)
  const options = { scores: 0.5 } as object
  await expect(detector.detect(join(folder, "a.jpg"), options)).rejects.toThrow(
    'detect: unknown option "scores". Did you mean "score"? Known: score, nms, maxDetections, softNms, vote, refine, flip, scales, tiles, overlap',
  )
})

test("pixels that are not height x width x 3 are refused", async () => {
  const detector = detectorHandle(dummyDetector(), decodeDummy)
  await expect(detector.detect({ width: 8, height: 6, data: new Uint8Array(8 * 6 * 4) })).rejects.toThrow(
    new UsageError("detect: expected RGB pixels, 6 x 8 x 3 = 144 bytes, got 192"),
  )
})

test("dispose frees the network once, and a disposed detector says so", async () => {
  const network = dummyDetector()
  const detector = detectorHandle(network, decodeDummy)
  detector.dispose()
  detector.dispose()
  expect(network.disposals).toBe(1)
  await expect(detector.detect(join(folder, "a.jpg"))).rejects.toThrow(/disposed/)
  await expect(all(detector.detectFolder(folder))).rejects.toThrow(/disposed/)
})

test("loading hands the file and the options to the network's opener", async () => {
  const opened: unknown[] = []
  const loadDetector = detectorLoader({
    decode: decodeDummy,
    openNetwork: async (...args) => {
      opened.push(args)
      return dummyDetector()
    },
  })
  expect((await loadDetector("best.safetensors", { engine: "wasm" })).classes).toEqual(["cat", "dog"])
  await loadDetector(["a.safetensors", "b.safetensors"])
  expect(opened).toEqual([
    [["best.safetensors"], { engine: "wasm" }],
    [["a.safetensors", "b.safetensors"], { engine: "auto" }],
  ])
  await expect(loadDetector("best.safetensors", { engin: "wasm" } as object)).rejects.toThrow(/Did you mean "engine"/)
})
