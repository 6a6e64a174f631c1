import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest"
import { BusyError, DataError, DisposedError, UsageError } from "../../src/core/errors.js"
import { detectorHandle, detectorParts } from "../../src/predict/detector-handle.js"
import { detectorLoader } from "../../src/predict/detector-loader.js"
import { imageModel } from "../../src/predict/image-model.js"
import type { DecodeImage, PixelDetector } from "../../src/predict/pixel-detector.js"
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

/** A handle on a network in this thread. */
function dummyHandle(network: PixelDetector, decode: DecodeImage, maxQueue = 1000) {
  const parts = detectorParts(network, decode)
  return detectorHandle(parts.info, imageModel(parts), { maxQueue })
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list = []
  for await (const item of items) list.push(item)
  return list
}

test("a path, the file's bytes and its pixels give the same detections", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  expect(await detector.detect(join(folder, "a.jpg"))).toEqual(inEightBySix)
  expect(await detector.detect(Buffer.from("8x6"))).toEqual(inEightBySix)
  expect(await detector.detect({ width: 8, height: 6, data: new Uint8Array(144) })).toEqual(inEightBySix)
})

const pixels = { width: 8, height: 6, data: new Uint8Array(144) }

test("an ArrayBuffer, shared memory, a Blob, a file's URL and an address give the same detections as the path", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  const bytes = new Uint8Array(Buffer.from("8x6"))
  const shared = new SharedArrayBuffer(3)
  new Uint8Array(shared).set(bytes)
  const server = createServer((_, response) => response.end("8x6"))
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  onTestFinished(() => void server.close())
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.jpg`
  const inputs = [
    bytes.buffer,
    shared,
    new Blob([bytes]),
    pathToFileURL(join(folder, "a.jpg")),
    address,
    new URL(address),
  ]
  for (const input of inputs) expect(await detector.detect(input)).toEqual(inEightBySix)
})

test("grey pixels and RGBA ones, also of a canvas, come to the network as RGB", async () => {
  const network = dummyDetector()
  const detector = dummyHandle(network, decodeDummy)
  const rgba = [1, 2, 3, 255, 4, 5, 6, 0]
  await detector.detect({ width: 2, height: 1, channels: 4, data: Uint8Array.from(rgba) })
  await detector.detect({ width: 2, height: 1, data: Uint8ClampedArray.from(rgba) })
  await detector.detect({ width: 2, height: 1, channels: 1, data: Uint8Array.of(7, 8) })
  await detector.detect({ width: 1, height: 1, channels: 3, data: Uint8ClampedArray.of(7, 8, 9) })
  expect(network.seen.map(({ data }) => [...data])).toEqual([
    [1, 2, 3, 4, 5, 6],
    [1, 2, 3, 4, 5, 6],
    [7, 7, 7, 8, 8, 8],
    [7, 8, 9],
  ])
})

test("a list gives as many results in its order; a bad image has an error that names it, and spoils no other", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  const c = join(folder, "c.jpg")
  const b = join(folder, "b.jpg")
  const list = [
    join(folder, "a.jpg"),
    b,
    Buffer.from("no"),
    c,
    new File(["no"], "d.jpg"),
    null as never,
    { ...pixels, width: 7 },
  ]
  const results = await detector.detect(list)
  expect(results[0]).toEqual(inEightBySix)
  expect(results[3]).toMatchObject({ width: 4, height: 2 })
  expect(results.map(({ error }) => error)).toEqual([
    undefined,
    new DataError(`images[1] (${b}): not an image`),
    new DataError("images[2]: not an image"),
    undefined,
    new DataError("images[4] (d.jpg): not an image"),
    new UsageError("images[5]: expected a path, a URL, bytes, a Blob or pixels, got null"),
    new UsageError("images[6]: expected RGB pixels, 6 x 7 x 3 = 126 bytes, got 144"),
  ])
  expect(await detector.detect([])).toEqual([])
})

test("what is wrong with all images is no single one's fault", async () => {
  const network = dummyDetector()
  network.detect = () => Promise.reject(new UsageError("the engine onnx does not support flip"))
  await expect(dummyHandle(network, decodeDummy).detect([pixels, pixels])).rejects.toThrow(
    new UsageError("the engine onnx does not support flip"),
  )
})

test("the only image is named where it has a name", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  const file = join(folder, "b.jpg")
  await expect(detector.detect(file)).rejects.toThrow(new DataError(`${file}: not an image`))
  await expect(detector.detect(new File(["no"], "d.jpg"))).rejects.toThrow(new DataError("d.jpg: not an image"))
  await expect(detector.detect(Buffer.from("no"))).rejects.toThrow(new DataError("detect: not an image"))
  await expect(detector.detect(new URL("ftp://host/a.jpg"))).rejects.toThrow(
    new DataError("ftp://host/a.jpg: expected an address of http, https or file, got ftp:"),
  )
})

test("calls beyond the queue's bound are refused, and count again when others are done", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy, 1)
  const calls = [1, 2, 3].map(() => detector.detect(pixels))
  expect(detector.pending).toBe(3)
  await expect(detector.detect(pixels)).rejects.toThrow(BusyError)
  await Promise.all(calls)
  expect(detector.pending).toBe(0)
  expect(await detector.detect(Array(20).fill(pixels))).toHaveLength(20)
})

test("a call that is given up ends with the signal's reason, and others go on", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  const stop = new AbortController()
  const [given, list, other] = [
    detector.detect(pixels, { signal: stop.signal }),
    detector.detect([pixels, pixels], { signal: stop.signal }),
    detector.detect(pixels),
  ]
  stop.abort(new Error("enough"))
  await expect(given).rejects.toThrow("enough")
  await expect(list).rejects.toThrow("enough")
  expect(await other).toEqual(inEightBySix)
  expect(detector.pending).toBe(0)
})

test("an address that is given up is fetched no further", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  let closed: Promise<unknown> | undefined
  const asked = new Promise<string>((resolve) => {
    const server = createServer((_, response) => {
      closed = once(response, "close")
      stop.abort(new Error("enough"))
    })
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a.jpg`))
    onTestFinished(() => void server.close())
  })
  const stop = new AbortController()
  await expect(detector.detect(await asked, { signal: stop.signal })).rejects.toThrow("enough")
  await closed
})

test("dispose ends the calls that are not done, each with the same error", async () => {
  const network = dummyDetector()
  const detector = dummyHandle(network, decodeDummy)
  const calls = [detector.detect(pixels), detector.detect(pixels), detector.detect([pixels]), detector.detect(pixels)]
  detector.dispose()
  const outcomes = await Promise.allSettled([...calls, detector.detect(pixels)])
  for (const outcome of outcomes) {
    expect(outcome).toEqual({
      status: "rejected",
      reason: new DisposedError("detect: the handle has been disposed of"),
    })
  }
  expect(network.disposals).toBe(1)
})

test("options reach the network", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  expect((await detector.detect(join(folder, "a.jpg"), { score: 0.5 })).detections).toHaveLength(1)
})

test("classes without ids of their own count from 1", () => {
  expect(dummyHandle(dummyDetector(), decodeDummy).categoryIds).toEqual([1, 2])
  expect(dummyHandle({ ...dummyDetector(), categoryIds: [17, 18] }, decodeDummy).categoryIds).toEqual([17, 18])
})

test("a folder gives its images in order, the unreadable one with its error", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
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
  network.detect = async (...args) => {
    const found = await detect.apply(network, args)
    await new Promise((resolve) => setTimeout(resolve, 2))
    ahead.push(decoded - ran++)
    return found
  }
  const detector = dummyHandle(network, (file) => {
    decoded++
    return decodeDummy(file)
  })
  await all(detector.detectFolder(folder))
  expect(Math.max(...ahead)).toBe(2)
  expect(Math.min(...ahead.slice(0, 10))).toBe(2)
})

test("an aborted signal ends the folder after the image at hand, without an error", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
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
  await expect(all(dummyHandle(network, decode).detectFolder(folder))).rejects.toThrow(new TypeError("a bug"))
})

test.each([
  [{ score: 2 }, "detect: expected score to be a number from 0 to 1, got 2"],
  [{ nms: -1 }, "detect: expected nms to be a number from 0 to 1, got -1"],
  [{ maxDetections: 0 }, "detect: expected maxDetections to be a whole number, 1 or more, got 0"],
])("the options %j are refused", async (options, line) => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  await expect(detector.detect(join(folder, "a.jpg"), options)).rejects.toThrow(new UsageError(line))
})

test("an unknown option names the nearest one", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  const options = { scores: 0.5 } as object
  await expect(detector.detect(join(folder, "a.jpg"), options)).rejects.toThrow(
    'detect: unknown option "scores". Did you mean "score"? Known: score, nms, only, maxDetections, softNms, agnosticNms, vote, refine, flip, scales, fusion, tiles, overlap',
  )
})

test("pixels that are not height x width x 3 are refused", async () => {
  const detector = dummyHandle(dummyDetector(), decodeDummy)
  await expect(detector.detect({ width: 8, height: 6, data: new Uint8Array(8 * 6 * 4) })).rejects.toThrow(
    new UsageError("detect: expected RGB pixels, 6 x 8 x 3 = 144 bytes, got 192"),
  )
})

test("dispose frees the network once, and a disposed detector says so", async () => {
  const network = dummyDetector()
  const detector = dummyHandle(network, decodeDummy)
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
  expect((await loadDetector("best.safetensors", { engine: "wasm", workers: 0 })).classes).toEqual(["cat", "dog"])
  await loadDetector(["a.safetensors", "b.safetensors"], { workers: 0 })
  expect(opened).toEqual([
    [["best.safetensors"], { engine: "wasm", precision: "float32" }],
    [["a.safetensors", "b.safetensors"], { engine: "auto", precision: "float32" }],
  ])
  await expect(loadDetector("best.safetensors", { engin: "wasm" } as object)).rejects.toThrow(/Did you mean "engine"/)
})
