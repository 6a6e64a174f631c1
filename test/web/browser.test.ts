import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { labelColour } from "../../datasets/image/label-colour.js"
import { writeOnnx } from "../../src/onnx/write-onnx.js"
import type { ImageDetections } from "../../src/predict/detection.js"
import { loadDetector } from "../../src/predict/load-detector.js"
import { hasChromium, visitInChromium } from "../support/chromium.js"
import { noisePhoto, saveTinyWebDetector } from "../support/web-detector.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-web-"))
afterAll(() => rmSync(folder, { recursive: true }))
const [height, width] = [70, 121]
let model: Uint8Array
let photo: Uint8Array
let expected: ImageDetections

beforeAll(async () => {
  const { weights, backbone } = await saveTinyWebDetector(folder)
  const path = join(folder, "tiny.onnx")
  writeOnnx(weights, path, {}, backbone)
  model = readFileSync(path)
  photo = await noisePhoto(width, height)
  using detector = await loadDetector(path)
  expected = await detector.detect(photo, { score: 0.1 })
  expect(expected.detections.length).toBeGreaterThan(3)
})

/** A page whose script is run, and what it returns posted. */
const page = (script: string) => `<!doctype html><canvas></canvas><script type="module">
const post = (said) => fetch("/done", { method: "POST", body: JSON.stringify(said) })
try {
  const { annotate, loadDetector } = await import("/dist/web/resdet-web.js")
  await post(await (async () => { ${script} })())
} catch (error) {
  await post({ error: String(error.stack) })
}
</script>`

function expectSame(found: ImageDetections): void {
  expect([found.width, found.height]).toEqual([width, height])
  const names = ({ detections }: ImageDetections) => detections.map(({ label, classId }) => [label, classId])
  expect(names(found)).toEqual(names(expected))
  for (const [i, { box, score }] of found.detections.entries()) {
    const wanted = expected.detections[i]!
    const edges = box.map((edge, side) => Math.abs(edge - wanted.box[side]!))
    expect(Math.max(...edges)).toBeLessThan(0.01)
    expect(Math.abs(score - wanted.score)).toBeLessThan(1e-4)
  }
}

/** Everything that can be looked at, in this thread and in a worker, and what a canvas shows. */
const sources = `
  const ort = await import("/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs")
  const progress = []
  const onProgress = (one) => progress.push(one)
  const here = await loadDetector("/tiny.onnx", { ort, onProgress })
  const worker = new Worker("/worker.js", { type: "module" })
  const there = await loadDetector(await (await fetch("/tiny.onnx")).blob(), { worker })
  const blob = await (await fetch("/photo.png")).blob()
  const image = new Image()
  image.src = "/photo.png"
  await image.decode()
  const bitmap = await createImageBitmap(blob)
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
  const context = canvas.getContext("2d")
  context.drawImage(bitmap, 0, 0)
  const frame = new VideoFrame(bitmap, { timestamp: 0 })
  const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height)
  const all = {
    url: "/photo.png", blob, file: new File([blob], "photo.png"), bytes: new Uint8Array(await blob.arrayBuffer()),
    pixels, image, bitmap, canvas, frame,
  }
  const found = {}
  for (const [name, source] of Object.entries(all)) {
    found[name] = await here.detect(source, { score: 0.1 })
    found[name + " in a worker"] = await there.detect(source, { score: 0.1 })
  }
  const few = await there.detect(blob, { score: 0.1, maxDetections: 1 })
  const shown = document.querySelector("canvas")
  await annotate(shown, blob, few.detections, { lineWidth: 4, labels: false, scores: false })
  const [x1, y1] = few.detections[0].box.map(Math.round)
  const corner = [...shown.getContext("2d").getImageData(x1, y1, 1, 1).data]
  const failed = (work) => work().then(() => "fine", (error) => error.name + ": " + error.message)
  const errors = [
    await failed(() => there.detect(new Blob(["no image"]))),
    await failed(() => here.detect({})),
    await failed(() => here.detect(blob, { scores: 0.1 })),
    await failed(() => loadDetector("/none.onnx", { ort })),
    await failed(() => loadDetector(blob, { ort })),
    await failed(() => loadDetector(blob, {})),
    await failed(() => loadDetector("/tiny.onnx", { worker: new Worker("/none.js", { type: "module" }) })),
  ]
  const { model, classes, categoryIds, bestScore, device } = there
  here.dispose()
  there.dispose()
  const description = { model, classes, categoryIds, bestScore, device }
  return { found, few, corner, errors, description, progress: progress.at(-1), size: [shown.width, shown.height] }`

const worker = `
import * as ort from "/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs"
import { serveDetector } from "/dist/web/resdet-web.js"
serveDetector(ort)`

interface Said {
  readonly found: Readonly<Record<string, WebDetections>>
  readonly few: WebDetections
  readonly corner: readonly number[]
  readonly errors: readonly string[]
}

interface WebDetections extends ImageDetections {
  readonly device: string
  readonly milliseconds: Readonly<Record<string, number>>
}

test.skipIf(!hasChromium)(
  "a browser finds Node's boxes in all that it can show, and asks for nothing else",
  async () => {
    const files = { "/tiny.onnx": model, "/photo.png": photo, "/worker.js": Buffer.from(worker) }
    const { posted, requests } = await visitInChromium(page(sources), { files })
    expect(posted).not.toHaveProperty("error")
    const { found, few, corner, errors, ...said } = posted as Said
    expect(Object.keys(found)).toHaveLength(18)
    for (const [name, one] of Object.entries(found)) {
      expectSame(one)
      expect([name, one.device]).toEqual([name, "wasm"])
      const { read, resize, detect, total } = one.milliseconds
      expect(Math.min(read!, resize!, detect!, total! - read! - resize! - detect!)).toBeGreaterThanOrEqual(-0.2)
    }
    expect(few.detections).toEqual(found["blob in a worker"]!.detections.slice(0, 1))
    expect(corner).toEqual([...labelColour(few.detections[0]!.classId), 255])
    expect(said).toEqual({
      description: { model: "own", classes: ["cat", "dog"], categoryIds: [17, 18], bestScore: 0.4, device: "wasm" },
      progress: { loaded: model.length, total: model.length },
      size: [width, height],
    })
    expect(errors).toEqual([
      "DataError: the image: is not an image that this browser can read",
      expect.stringMatching(/^UsageError: expected an image: a URL, File, /),
      expect.stringMatching(/^UsageError: detect: unknown option "scores". Did you mean "score"\?/),
      "DataError: /none.onnx: cannot be fetched (status 404)",
      expect.stringMatching(/^DataError: the model: not a whole ONNX file/),
      expect.stringMatching(/^UsageError: loadDetector: expected either ort/),
      expect.stringMatching(/^UserError: the detector's worker does not run/),
    ])
    const runtime = ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm", "ort.wasm.min.mjs"]
    expect(requests).toEqual(
      [
        ...[
          "/",
          "/dist/web/resdet-web.js",
          "/done",
          "/none.js",
          "/none.onnx",
          "/photo.png",
          "/tiny.onnx",
          "/worker.js",
        ],
        ...runtime.map((name) => `/node_modules/onnxruntime-web/dist/${name}`),
      ].sort(),
    )
  },
)

const onGpu = `
  const ort = await import("/node_modules/onnxruntime-web/dist/ort.webgpu.min.mjs")
  const detector = await loadDetector("/tiny.onnx", { ort })
  return await detector.detect("/photo.png", { score: 0.1 })`

// A GPU that the processor plays takes up to a minute: RESDET_TEST_WEBGPU=1.
test.skipIf(!hasChromium || !process.env.RESDET_TEST_WEBGPU)(
  "WebGPU finds Node's boxes",
  async () => {
    const files = { "/tiny.onnx": model, "/photo.png": photo }
    const { posted } = await visitInChromium(page(onGpu), { files, gpu: true, seconds: 200 })
    expect(posted).toMatchObject({ device: "webgpu" })
    expectSame(posted as WebDetections)
  },
  240_000,
)
