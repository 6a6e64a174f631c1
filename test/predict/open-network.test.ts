import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { UserError } from "../../src/core/errors.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import type { FasterRcnnOptions } from "../../src/detector/options.js"
import { preset } from "../../src/detector/presets.js"
import { startEngine } from "../../src/engine/start.js"
import { encodeModel } from "../../src/onnx/encode-model.js"
import { writeOnnx } from "../../src/onnx/write-onnx.js"
import { compareDetectors } from "../../src/predict/compare-detectors.js"
import { madeUpPhoto } from "../../src/predict/made-up-photos.js"
import { openNetwork } from "../../src/predict/open-network.js"
import { detectorMetadata } from "../../src/weights/model-info.js"
import { saveDetector } from "../../src/weights/save.js"
import { withOnnxRuntime } from "../support/onnx.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-open-"))
const path = (name: string) => join(folder, name)
const weights = path("detector.safetensors")
const graph = path("detector.onnx")
const photo = madeUpPhoto(75, 97)

function save(file: string, change: Partial<FasterRcnnOptions> = {}): void {
  const model = "fasterrcnn_resnet18_c4"
  const options = { ...preset("light", model).options, ...change }
  const config = { ...modelDefaults, options, size: 64, maxSize: 128, model }
  const parameters = new Parameters(seededRandom(3))
  buildFasterRcnn(parameters, config, 2)
  saveDetector(file, parameters, { config, classes: ["cat", "dog"], categoryIds: [17, 18], training: {} })
  parameters.dispose()
}

const openOnTensors = (file: string) =>
  openNetwork([file], { engine: "tensorflow" }).catch(() => openNetwork([file], { engine: "wasm" }))

beforeAll(async () => {
  await startEngine("wasm")
  save(weights)
  writeOnnx(weights, graph, { nms: 0.1 })
})
afterAll(() => rmSync(folder, { recursive: true }))

test("bf16 is refused in one line by engines that have none", async () => {
  const open = (file: string, engine: "onnx" | "wasm" | "auto") => openNetwork([file], { engine, precision: "bf16" })
  for (const [file, engine] of [
    [weights, "onnx"],
    [graph, "auto"],
  ] as const) {
    await expect(open(file, engine)).rejects.toThrow(
      "--precision bf16 is TensorFlow's: the engine onnx computes in float32",
    )
  }
  await expect(open(weights, "wasm")).rejects.toThrow(
    "--precision bf16: it takes native TensorFlow, got the engine wasm",
  )
})

withOnnxRuntime("a detector on ONNX Runtime", () => {
  test("from its weights, from its ONNX file and on the other engine finds the same, by any thresholds", async () => {
    // ONNX Runtime first, TensorFlow second: both have a place in one process.
    const onnx = await openNetwork([weights], { engine: "onnx" })
    const file = await openNetwork([graph], { engine: "auto" })
    const tensors = await openOnTensors(weights)
    expect(file).toMatchObject({ classes: ["cat", "dog"], categoryIds: [17, 18] })
    const cases = [
      { score: 0.01, nms: 0.5, maxDetections: 30 },
      { score: 0.4, nms: 0.5, maxDetections: 100 },
      { score: 0.01, nms: 0.2, maxDetections: 100 },
      { score: 0.01, nms: 0.9, maxDetections: 5 },
    ].map((bounds) => ({ image: photo, bounds }))
    for (const other of [onnx, file]) {
      const { same, alone, score, edge } = await compareDetectors(tensors, other, cases)
      expect(same).toBeGreaterThan(20)
      expect(alone).toBe(0)
      expect(score).toBeLessThan(1e-4)
      expect(edge).toBeLessThan(1e-2)
    }
    // The file was written with a stricter threshold than the detector's own.
    const [ofWeights, ofFile] = [await onnx.detect(photo, {}), await file.detect(photo, {})]
    expect(ofWeights.scores.length).toBeGreaterThan(ofFile.scores.length)
    expect(await file.detect(photo, { nms: 0.5 })).toEqual(ofWeights)
    for (const network of [onnx, file, tensors]) network.dispose()
  })

  test("that looks for one class gives it all places, as the other engine does", async () => {
    const [tensors, onnx] = [await openOnTensors(weights), await openNetwork([weights], { engine: "onnx" })]
    const all = await onnx.detect(photo, { score: 0.01, maxDetections: 100 })
    const wanted = all.labels[0] === 1 ? 2 : 1
    const bounds = { score: 0.01, maxDetections: 20, only: [wanted] }
    for (const network of [tensors, onnx]) {
      const { labels } = await network.detect(photo, bounds)
      expect([...labels]).toEqual(Array(20).fill(wanted))
    }
    const { alone } = await compareDetectors(tensors, onnx, [{ image: photo, bounds }])
    expect(alone).toBe(0)
    for (const network of [onnx, tensors]) network.dispose()
  })

  test("that shows each region the whole image finds the same too", async () => {
    const file = path("context.safetensors")
    save(file, { context: true })
    const [tensors, onnx] = [await openOnTensors(file), await openNetwork([file], { engine: "onnx" })]
    const bounds = { score: 0.01, maxDetections: 100 }
    const { same, alone } = await compareDetectors(tensors, onnx, [{ image: photo, bounds }])
    expect(same).toBeGreaterThan(20)
    expect(alone).toBe(0)
    for (const network of [onnx, tensors]) network.dispose()
  })

  test("is what auto takes, and leaves to the other engine what a graph cannot do", async () => {
    const auto = await openNetwork([weights], { engine: "auto" })
    expect(auto.engine).toBe("onnx")
    const onnx = await openNetwork([weights], { engine: "onnx" })
    await expect(onnx.detect(photo, { flip: true })).rejects.toThrow(
      "the engine onnx does not support flip. Choose another --engine",
    )
    const planned = await openNetwork([weights], { engine: "auto", detect: { flip: true } })
    expect(planned.engine).not.toBe("onnx")
    expect(await auto.detect(photo, { flip: true })).toEqual(await planned.detect(photo, { flip: true }))
    for (const network of [auto, onnx, planned]) network.dispose()
  })

  test("runs alone", async () => {
    await expect(openNetwork([weights, weights], { engine: "onnx" })).rejects.toThrow(
      "engine onnx runs one detector, no ensemble. Choose another --engine",
    )
    await expect(openNetwork([graph, weights], { engine: "auto" })).rejects.toThrow(
      "engine onnx runs one detector, no ensemble. Give the .safetensors that it was made of",
    )
  })

  test("refuses what it cannot do when it is opened, and says what can", async () => {
    await expect(openNetwork([graph], { engine: "auto", detect: { flip: true } })).rejects.toThrow(
      `${graph}: the engine onnx does not support flip. Give the .safetensors that it was made of`,
    )
    await expect(openNetwork([weights], { engine: "onnx", detect: { tiles: 64 } })).rejects.toThrow(
      `${weights}: the engine onnx does not support tiles. Choose another --engine`,
    )
  })

  test.each(["tensorflow", "wasm"] as const)("an ONNX file is not for the engine %s", async (engine) => {
    await expect(openNetwork([graph], { engine })).rejects.toThrow(`runs on the engine onnx, got ${engine}`)
  })

  test("a file that is no graph, or not one of ours, is told in one line", async () => {
    writeFileSync(path("text.onnx"), "no graph")
    await expect(openNetwork([path("text.onnx")], { engine: "auto" })).rejects.toThrow(
      /text.onnx: not a whole ONNX file/,
    )
    const other = { name: "other", inputs: [], outputs: [], constants: new Map(), nodes: [], metadata: {} }
    writeFileSync(path("other.onnx"), Buffer.concat(encodeModel(other)))
    await expect(openNetwork([path("other.onnx")], { engine: "onnx" })).rejects.toThrow(/got another ONNX model/)
    await expect(openNetwork([path("none.onnx")], { engine: "auto" })).rejects.toThrow(
      /none.onnx: cannot be read \(ENOENT\)/,
    )
  })
})

withOnnxRuntime("an ONNX file with a detector's description and another graph", () => {
  const x = { name: "image", type: "float32", shape: [3, "height", "width"] } as const
  const model = (op: string) => {
    const metadata = detectorMetadata({
      config: { ...modelDefaults, model: "fasterrcnn_resnet18_c4" },
      ...labels,
      training: {},
    })
    const nodes = [{ op, inputs: ["image"], outputs: ["boxes"], attributes: {} }]
    return { name: "odd", nodes, constants: new Map(), inputs: [x], outputs: [{ ...x, name: "boxes" }], metadata }
  }
  const labels = { classes: ["cat"], categoryIds: [1] }

  test.each(["NoSuchOperation", "Identity"])("of %s ends in one line", async (op) => {
    writeFileSync(path("odd.onnx"), Buffer.concat(encodeModel(model(op))))
    const found = openNetwork([path("odd.onnx")], { engine: "onnx" }).then((network) => network.detect(photo, {}))
    await expect(found).rejects.toThrow(UserError)
    await expect(found).rejects.toThrow(/^[^\n]*graph[^\n]*$/)
  })
})
