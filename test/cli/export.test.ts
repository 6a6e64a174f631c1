import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { checkExport } from "../../src/cli/check-export.js"
import { writeOnnx } from "../../src/cli/run-export.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { startEngine } from "../../src/engine/start.js"
import { readMetadata } from "../../src/onnx/read-model.js"
import { Parameters, Scope } from "../../src/tensor/parameters.js"
import { seededRandom } from "../../src/tensor/random.js"
import { saveClassifier } from "../../src/weights/classifier-file.js"
import { saveDetector } from "../../src/weights/detector-file.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { withOnnxRuntime } from "../support/onnx.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-export-"))
const path = (name: string) => join(folder, name)

beforeAll(async () => {
  await startEngine()
  const detector = new Parameters(seededRandom(0))
  const model = "fasterrcnn_resnet18_c4"
  const { options } = preset("light", model)
  const config = { ...modelDefaults, options, size: 64, maxSize: 128, model }
  buildFasterRcnn(detector, config, 2)
  const classes = ["cat", "dog"]
  saveDetector(path("detector.safetensors"), detector, { config, classes, categoryIds: [17, 18], training: {} })
  detector.dispose()
  const classifier = new Parameters(seededRandom(0))
  new ResNet(new Scope(classifier), networkSpec("cifar_resnet20"), { classes: 3 })
  const input = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] } as const
  saveClassifier(path("classifier.safetensors"), classifier, {
    config: { network: "cifar_resnet20", options: {}, size: 32, ...input },
    classes: ["a", "b", "c"],
    training: {},
  })
  classifier.dispose()
  writeSafetensors(path("plain.safetensors"), [["x", { shape: [1], values: Float32Array.of(1) }]])
})
afterAll(() => rmSync(folder, { recursive: true }))

const metadataOf = (name: string) => {
  const entries = Object.entries(readMetadata(readFileSync(path(name))))
  return Object.fromEntries(entries.map(([key, text]) => [key, JSON.parse(text)]))
}

test("a file tells its classes, category ids, sizes and thresholds", () => {
  writeOnnx(path("detector.safetensors"), path("strict.onnx"), { score: 0.25, nms: 0.3 })
  const { resdet } = metadataOf("strict.onnx")
  expect(resdet).toMatchObject({ classes: ["cat", "dog"], categoryIds: [17, 18], config: { size: 64, maxSize: 128 } })
  expect(resdet.config.options.select).toMatchObject({ score: 0.25, nmsThreshold: 0.3, maxDetections: 100 })
  writeOnnx(path("classifier.safetensors"), path("classifier.onnx"), {})
  expect(metadataOf("classifier.onnx").resdet_classifier).toMatchObject({
    classes: ["a", "b", "c"],
    config: { size: 32, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
  })
})

test.each([
  ["plain.safetensors", "x.onnx", {}, /expected a detector or a classifier of resdet's/],
  ["detector.safetensors", "x.pb", {}, /expected --out to end in .onnx, got/],
  ["classifier.safetensors", "x.onnx", { score: 0.5 }, /--score and --nms go with detectors/],
  ["detector.safetensors", "none/x.onnx", {}, /none\/x.onnx: cannot be written/],
])("%s to %s is refused: %o", (weights, out, bounds, message) => {
  expect(() => writeOnnx(path(weights), path(out), bounds)).toThrow(message)
})

withOnnxRuntime("the check of a written file", () => {
  const check = async (weights: string, out: string) => {
    const lines: string[] = []
    const written = writeOnnx(path(weights), path(out), {})
    await checkExport(written, "auto", (line) => lines.push(line))
    return { written, lines }
  }

  test("finds the detector in it", async () => {
    const { lines } = await check("detector.safetensors", "detector.onnx")
    expect(lines.join()).toMatch(/^checked: [1-9]\d* detections on 4 made-up images agree, scores within /)
  })

  test("finds the classifier in it, and tells when it is another", async () => {
    const { written, lines } = await check("classifier.safetensors", "classifier.onnx")
    expect(lines.join()).toMatch(/^checked: logits of 1 and of 3 made-up images agree to \d/)
    const bytes = readFileSync(written.out)
    // The last constant is the linear layer's bias.
    bytes.writeFloatLE(1e3, bytes.length - 4)
    writeFileSync(written.out, bytes)
    await expect(checkExport(written, "auto", () => {})).rejects.toThrow(/differs from .* of the largest logit/)
  })
})
