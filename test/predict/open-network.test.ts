import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { writeOnnx } from "../../src/cli/run-export.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { startEngine } from "../../src/engine/start.js"
import { encodeModel } from "../../src/onnx/encode-model.js"
import { compareDetectors } from "../../src/predict/compare-detectors.js"
import { madeUpPhoto } from "../../src/predict/made-up-photos.js"
import { openNetwork } from "../../src/predict/open-network.js"
import { Parameters } from "../../src/tensor/parameters.js"
import { seededRandom } from "../../src/tensor/random.js"
import { saveDetector } from "../../src/weights/detector-file.js"
import { withOnnxRuntime } from "../support/onnx.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-open-"))
const path = (name: string) => join(folder, name)
const weights = path("detector.safetensors")
const graph = path("detector.onnx")
const photo = madeUpPhoto(75, 97)

beforeAll(async () => {
  await startEngine("wasm")
  const { options } = preset("light")
  const config = { ...modelDefaults, options, size: 64, maxSize: 128, model: "fasterrcnn_resnet18_c4" }
  const parameters = new Parameters(seededRandom(3))
  buildFasterRcnn(parameters, config, 2)
  saveDetector(weights, parameters, { config, classes: ["cat", "dog"], categoryIds: [17, 18], training: {} })
  parameters.dispose()
  writeOnnx(weights, graph, { nms: 0.1 })
})
afterAll(() => rmSync(folder, { recursive: true }))

withOnnxRuntime("a detector on ONNX Runtime", () => {
  test("from its weights, from its ONNX file and on the other engine finds the same, by any thresholds", async () => {
    // ONNX Runtime first, TensorFlow second: both have a place in one process.
    const onnx = await openNetwork(weights, { engine: "onnx" })
    const file = await openNetwork(graph, { engine: "auto" })
    const tensors = await openNetwork(weights, { engine: "tensorflow" }).catch(() =>
      openNetwork(weights, { engine: "wasm" }),
    )
    expect(file).toMatchObject({ classes: ["cat", "dog"], categoryIds: [17, 18] })
    const cases = [
      { score: 0.01, maxDetections: 30 },
      { score: 0.3, maxDetections: 100 },
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

  test.each(["tensorflow", "wasm"] as const)("an ONNX file is not for the engine %s", async (engine) => {
    await expect(openNetwork(graph, { engine })).rejects.toThrow(`runs on the engine onnx, got ${engine}`)
  })

  test("a file that is no graph, or not one of ours, is told in one line", async () => {
    writeFileSync(path("text.onnx"), "no graph")
    await expect(openNetwork(path("text.onnx"), { engine: "auto" })).rejects.toThrow(/text.onnx: not a whole ONNX file/)
    const other = { name: "other", inputs: [], outputs: [], constants: new Map(), nodes: [], metadata: {} }
    writeFileSync(path("other.onnx"), Buffer.concat(encodeModel(other)))
    await expect(openNetwork(path("other.onnx"), { engine: "onnx" })).rejects.toThrow(/got another ONNX model/)
    await expect(openNetwork(path("none.onnx"), { engine: "auto" })).rejects.toThrow(
      /none.onnx: cannot be read \(ENOENT\)/,
    )
  })
})
