import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, expect, test } from "vitest"
import { DataError, DisposedError, UsageError } from "../../src/core/errors.js"
import { startEngine } from "../../src/engine/start.js"
import type { DetectorHandle } from "../../src/predict/detector-handle.js"
import { loadDetector } from "../../src/predict/load-detector.js"
import { saveUntrained } from "../support/untrained-detector.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-threads-"))
const weights = join(folder, "tiny.safetensors")
const size = { width: 60, height: 50 }
const pixels = () => ({ ...size, data: Uint8Array.from({ length: 9000 }, (_, i) => (i * 37 + (i >> 7) * 11) & 255) })
let threaded: DetectorHandle

beforeAll(async () => {
  await startEngine("wasm")
  saveUntrained({ [weights]: ["cat", "dog"] }, 3)
  threaded = await loadDetector(weights, { engine: "wasm" })
})
afterAll(() => {
  threaded.dispose()
  rmSync(folder, { recursive: true })
})

test("a thread finds what this thread finds, of a file, of its bytes and with several threads", async () => {
  using here = await loadDetector(weights, { engine: "wasm", workers: 0 })
  using two = await loadDetector(readFileSync(weights), { engine: "wasm", workers: 2 })
  const found = await here.detect(pixels())
  expect(found.detections.length).toBeGreaterThan(0)
  expect(await threaded.detect(pixels())).toEqual(found)
  expect(await two.detect([pixels(), pixels(), pixels()])).toEqual([found, found, found])
  for (const { engine, classes, categoryIds } of [here, two, threaded]) {
    expect({ engine, classes, categoryIds }).toEqual({ engine: "wasm", classes: ["cat", "dog"], categoryIds: [1, 2] })
  }
})

test("memory stays the caller's, also a part of a larger one, unless it is handed over", async () => {
  const image = pixels()
  const larger = Buffer.concat([Buffer.from("before"), image.data, Buffer.from("behind")])
  const part = { ...size, data: larger.subarray(6, 6 + 9000) }
  const found = await threaded.detect(image)
  expect(await threaded.detect(part)).toEqual(found)
  expect(await threaded.detect(part, { transfer: true })).toEqual(found)
  const shared = new Uint8Array(new SharedArrayBuffer(9000))
  shared.set(image.data)
  expect(await threaded.detect({ ...size, data: shared }, { transfer: true })).toEqual(found)
  expect([image.data.length, part.data.length, shared.length]).toEqual([9000, 9000, 9000])
  expect(await threaded.detect(image, { transfer: true })).toEqual(found)
  expect(image.data.length).toBe(0)
})

test("errors keep their class and their name on the way from a thread", async () => {
  await expect(threaded.detect(Buffer.from("no"))).rejects.toThrow(DataError)
  const [first, second] = await threaded.detect([Buffer.from("no"), pixels()])
  expect(first!.error).toEqual(
    new DataError("images[0]: it is no image: expected JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP"),
  )
  expect(second!.error).toBeUndefined()
  const missing = join(folder, "none.safetensors")
  await expect(loadDetector(missing)).rejects.toThrow(new DataError(`${missing}: no such file`))
  await expect(loadDetector(Buffer.from("{}"))).rejects.toThrow(
    new DataError("weights of 2 bytes: a JSON file, not weights"),
  )
})

test("calls of a thread are given up and disposed of at once", async () => {
  const detector = await loadDetector(weights, { engine: "wasm" })
  const stop = new AbortController()
  const given = detector.detect(pixels(), { signal: stop.signal })
  const list = detector.detect([pixels(), pixels(), pixels(), pixels()])
  stop.abort(new Error("enough"))
  await expect(given).rejects.toThrow("enough")
  detector.dispose()
  await expect(list).rejects.toThrow(DisposedError)
  expect(detector.pending).toBe(0)
})

test("what cannot be is refused in one line", async () => {
  const backbone = { channels: 1, strides: [16], features: () => [] }
  await expect(loadDetector(weights, { backbone, workers: 1 })).rejects.toThrow(UsageError)
  await expect(loadDetector(weights, { workers: -1 })).rejects.toThrow(
    /workers to be a whole number, 0 or more, got -1/,
  )
  await expect(loadDetector([])).rejects.toThrow("loadDetector: expected weights, got an empty list")
  await expect(loadDetector(3 as never)).rejects.toThrow("expected the path of a weights file or its bytes, got 3")
})

test("a program may end amid calls, or with none and without dispose", () => {
  const index = pathToFileURL(resolve("dist/src/index.js")).href
  const program = (end: string) => `
    import { loadDetector } from ${JSON.stringify(index)}
    const detector = await loadDetector(${JSON.stringify(weights)})
    const image = () => ({ width: 60, height: 50, data: new Uint8Array(9000) })
    await detector.detect(image())
    ${end}`
  for (const end of ["", "detector.detect(image()); detector.detect(image()); setTimeout(() => process.exit(0), 5)"]) {
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program(end)])
    expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: "" })
  }
})
