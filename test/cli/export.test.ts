import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { startEngine } from "../../src/engine/start.js"
import { readMetadata } from "../../src/onnx/read-model.js"
import { writeOnnx } from "../../src/onnx/write-onnx.js"
import { checkExport } from "../../src/predict/check-export.js"
import { exportModel } from "../../src/tasks/export-model.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { saveClassifier, saveDetector } from "../../src/weights/save.js"
import { withOnnxRuntime } from "../support/onnx.js"
import { runCommand } from "../support/run-command.js"

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
  const input = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as const
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
  writeOnnx(path("classifier.safetensors"), path("classifier.onnx"))
  expect(metadataOf("classifier.onnx").resdet_classifier).toMatchObject({
    classes: ["a", "b", "c"],
    config: { size: 32, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  })
})

test.each([
  ["plain.safetensors", "x.onnx", {}, /expected a detector or a classifier of resdet's/],
  ["detector.safetensors", "x.pb", {}, /expected --out to end in .onnx, got/],
  ["classifier.safetensors", "x.onnx", { score: 0.5 }, /--score and --nms go with detectors/],
  ["detector.safetensors", "plain.safetensors/x.onnx", {}, /plain.safetensors\/x.onnx: cannot be written/],
])("%s to %s is refused: %o", (weights, out, bounds, message) => {
  expect(() => writeOnnx(path(weights), path(out), bounds)).toThrow(message)
})

test("the command prints one line, or one document", async () => {
  const args = ["--weights", path("detector.safetensors"), "--out", path("plain.onnx"), "--no-check"]
  const { out, code } = await runCommand("export", ...args)
  expect(code).toBe(0)
  expect(out).toMatch(/plain\.onnx: fasterrcnn_resnet18_c4, 2 classes, \d+ operations\n$/)
  const document = JSON.parse((await runCommand("export", ...args, "--json", "-")).out)
  expect(document).toMatchObject({ kind: "detector", model: "fasterrcnn_resnet18_c4", classes: 2, check: null })
  await runCommand("export", ...args, "--score", "0.125", "--nms", "0.375")
  expect(metadataOf("plain.onnx").resdet.config.options.select).toMatchObject({ score: 0.125, nmsThreshold: 0.375 })
})

test("a page takes a detector, and a folder that holds nothing else", async () => {
  const page = (weights: string, out: string) =>
    runCommand("export", "--weights", path(weights), "--format", "web", "--out", path(out), "--no-check")
  const none = await page("classifier.safetensors", "none")
  expect([none.code, none.said]).toEqual([
    2,
    expect.stringMatching(/--format web goes with detectors; .* is a classifier/),
  ])
  expect(existsSync(path("none"))).toBe(false)
  mkdirSync(path("mine"))
  writeFileSync(path("mine/thesis.txt"), "mine")
  const mine = await page("detector.safetensors", "mine")
  expect([mine.code, mine.said]).toEqual([2, expect.stringMatching(/mine holds thesis.txt, which is of no page/)])
  expect(readdirSync(path("mine"))).toEqual(["thesis.txt"])
  for (const _ of ["new", "again"]) expect((await page("detector.safetensors", "page")).code).toBe(0)
  const html = readFileSync(path("page/index.html"), "utf8")
  expect(html).toContain(`content="${statSync(path("page/detector.onnx")).size}"`)
  expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([])
})

test.each([
  [["--weights", "w"], /^error: export needs --out <path>: the .onnx file, or for web the folder, to write\n$/],
  [
    ["--weights", "w", "--out", "x.onnx", "--format", "onxx"],
    /--format: expected one of onnx, web, got "onxx"\. Did you mean "onnx"\?\n$/,
  ],
  [["--weights", "w", "--out", "x.onnx", "--nms", "2"], /--nms: expected a number of at most 1, got 2\n$/],
])("export %j is refused in one line", async (args, message) => {
  const { code, said } = await runCommand("export", ...args)
  expect([code, said]).toEqual([2, expect.stringMatching(message)])
})

withOnnxRuntime("the check of a written file", () => {
  const check = (weights: string, out: string) => exportModel({ weights: path(weights), out: path(out) })

  test("finds the detector in it", async () => {
    const args = ["--weights", path("detector.safetensors"), "--out", path("detector.onnx")]
    const { said } = await runCommand("export", ...args)
    expect(said).toMatch(/^checked: [1-9]\d* detections on 4 made-up images agree, scores within /m)
  })

  test("takes the thresholds that the file was given for the model's", async () => {
    const options = { weights: path("detector.safetensors"), score: 0.4, nms: 0.1 }
    const { check: found, ...written } = await exportModel({ ...options, out: path("thresholds.onnx") })
    expect(found).toMatchObject({ kind: "detector", alone: 0 })
    await expect(checkExport(written, "auto")).rejects.toThrow(/differs from .*detections are in one of them only/)
  })

  test("finds the classifier in it, and tells when it is another", async () => {
    const { check: found, ...written } = await check("classifier.safetensors", "classifier.onnx")
    expect(found).toEqual({ kind: "classifier", logit: expect.any(Number) })
    const bytes = readFileSync(written.out)
    // The last constant is the linear layer's bias.
    bytes.writeFloatLE(1e3, bytes.length - 4)
    writeFileSync(written.out, bytes)
    await expect(checkExport(written, "auto")).rejects.toThrow(/differs from .* of the largest logit/)
  })
})
