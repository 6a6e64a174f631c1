import * as fs from "node:fs"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeEach, expect, test, vi } from "vitest"
import { DataError } from "../../src/core/errors.js"
import { modelDefaults } from "../../src/detector/model.js"
import { trainDetector } from "../../src/tasks/train-detector.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { wrapperOf } from "../../src/weights/names.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { loadWeights } from "../support/load-weights.js"
import { withCheckpoint } from "../support/read-info.js"

// Counts how often each file is opened.
vi.mock("node:fs", async (original) => {
  const actual = await original<typeof fs>()
  return { ...actual, openSync: vi.fn(actual.openSync), readFileSync: vi.fn(actual.readFileSync) }
})
const opens = (path: string) => {
  const calls = [...vi.mocked(fs.openSync).mock.calls, ...vi.mocked(fs.readFileSync).mock.calls]
  return calls.filter(([file]) => file === path).length
}
beforeEach(() => void vi.clearAllMocks())

const folder = mkdtempSync(join(tmpdir(), "resdet-checkpoint-"))
afterAll(() => rmSync(folder, { recursive: true }))

const one = { shape: [1], values: Float32Array.of(1) }

function write(metadata: Record<string, string>, names: readonly string[] = ["a"], file = "a.safetensors"): string {
  const path = join(folder, file)
  writeSafetensors(
    path,
    names.map((name) => [name, one] as const),
    metadata,
  )
  return path
}

test.each(["torch-zip.pth", "torch-legacy.pth"])("train opens %s once, however much it asks of it", async (name) => {
  const weights = `test/golden/${name}`
  await expect(trainDetector({ data: join(folder, "no data"), weights })).rejects.toThrow("no data")
  expect(opens(weights)).toBe(1)
})

test("values are read when they are asked for, and not after the file has been closed", () => {
  using checkpoint = Checkpoint.open("test/golden/torch-zip.pth")
  const tensor = checkpoint.tensors.get("view")!
  expect([tensor.dtype, tensor.shape, [...tensor.read()]]).toEqual(["F32", [6], [4, 5, 6, 7, 8, 9]])
  checkpoint.close()
  expect(() => tensor.read()).toThrow("has been closed")
})

test.each([
  ["torch-zip.pth", "torch"],
  ["torch-legacy.pth", "torch"],
  ["detectron2.pkl", "numpy"],
])("%s is what it is under any name", (name, format) => {
  for (const other of ["none", "weights.pth.tar", "x.ckpt", "y.safetensors"]) {
    const path = join(folder, other)
    writeFileSync(path, readFileSync(`test/golden/${name}`))
    expect(withCheckpoint(path, (checkpoint) => checkpoint.format)).toBe(format)
  }
})

test.each([
  ["\x89HDF\r\n\x1a\n", "an HDF5 file"],
  ["\x1f\x8b\x08", "compressed by gzip"],
  ["<!DOCTYPE html><html>", "a web page"],
  ["version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"],
  ["hello", "not a weights file"],
  ["", "not a weights file"],
])("a file that begins with %j is named for what it is", (start, what) => {
  const path = join(folder, "other.bin")
  writeFileSync(path, start, "latin1")
  expect(() => Checkpoint.open(path)).toThrow(`${path}: ${what}`)
})

const { options, ...config } = modelDefaults
const detector = { format: 1, config: { ...config, model: "fasterrcnn_resnet18_c4" }, classes: ["a"], categoryIds: [1] }
const classifier = {
  format: 1,
  config: { network: "resnet18", options: {}, size: 64, mean: [0, 0, 0], std: [1, 1, 1] },
  classes: ["a"],
}
const broken = (info: object, change: object) => JSON.stringify({ ...info, ...change })
const configOf = (info: { config: object }, change: object) => broken(info, { config: { ...info.config, ...change } })

test.each([
  ["resdet", "null", "the detector is broken"],
  ["resdet", "[]", "the detector is broken"],
  ["resdet", "{", "the detector is broken"],
  ["resdet", "{}", "expected format 1"],
  ["resdet", broken(detector, { format: 2 }), "written by a newer version of resdet (format 2)"],
  ["resdet", broken(detector, { config: 7 }), "config"],
  ["resdet", broken(detector, { classes: "a" }), "classes"],
  ["resdet", broken(detector, { categoryIds: [] }), "categoryIds: expected as many as there are classes"],
  ["resdet", configOf(detector, { size: "800" }), "config.size"],
  ["resdet", configOf(detector, { size: -1 }), "config.size"],
  ["resdet", configOf(detector, { norm: "none" }), "config.norm"],
  ["resdet", configOf(detector, { sise: 1 }), "sise"],
  ["resdet", configOf(detector, { model: "resnet" }), 'unknown model "resnet"'],
  ["resdet", configOf(detector, { input: { mean: [0, 0], std: [1, 1, 1] } }), "config.input.mean"],
  ["resdet", configOf(detector, { options: { anchors: { sizes: [] } } }), "config.options.anchors.sizes"],
  ["resdet", configOf(detector, { options: { anchors: { sizes: "32" } } }), "config.options.anchors.sizes"],
  ["resdet", configOf(detector, { options: { align: { operator: "crop" } } }), "operator to be align or pool"],
  ["resdet_classifier", "3", "the classifier is broken"],
  ["resdet_classifier", configOf(classifier, { network: "resnet5" }), 'no network "resnet5"'],
  ["resdet_classifier", configOf(classifier, { std: [1, 1, 0] }), "config.std.2"],
  ["resdet_classifier", configOf(classifier, { options: { strideIn: "2x2" } }), "config.options.strideIn"],
  ["resdet_localizer", broken(classifier, {}), "the localizer is broken"],
])("metadata %s %s end in one line", (key, text, message) => {
  const path = write({ [key]: text })
  const open = () => Checkpoint.open(path)
  expect(open).toThrow(DataError)
  expect(open).toThrow(message)
  expect(open).toThrow(new RegExp(`^${path}: [^\n]*$`))
})

test("what an older file calls deviation is its std, and what it lacks has its default", () => {
  const { std: _, ...old } = classifier.config
  const path = write({ resdet_classifier: broken(classifier, { config: { ...old, deviation: [1, 2, 3] } }) })
  withCheckpoint(path, ({ model, origin }) => {
    expect(model).toMatchObject({ kind: "classifier", info: { config: { std: [1, 2, 3] }, training: {} } })
    expect(origin.input.std).toEqual([1, 2, 3])
  })
  const input = { mean: [0, 0, 0], deviation: [1, 2, 3] }
  const info = { ...detector, config: { model: "fasterrcnn_resnet18_c4", size: 300, input } }
  const expected = { ...modelDefaults, ...info.config, input: { mean: [0, 0, 0], std: [1, 2, 3] } }
  withCheckpoint(write({ resdet: JSON.stringify(info) }), ({ model }) => {
    expect(model).toMatchObject({ kind: "detector", info: { config: expected } })
  })
})

test.each([
  ["module.", ["conv1.weight", "layer1.0.conv1.weight", "fc.weight"]],
  ["_orig_mod.module.", ["conv1.weight", "layer1.0.conv1.weight"]],
  ["model.backbone.", ["conv1.weight", "layer1.0.conv1.weight"]],
  ["module.", ["backbone.body.conv1.weight", "backbone.body.layer1.0.conv1.weight", "rpn.head.cls_logits.weight"]],
  ["", ["backbone.conv1.weight", "backbone.layer1.0.conv1.weight", "roi_heads.box_head.layer4.0.conv1.weight"]],
])("the wrapper %j is found", (wrapper, names) => {
  expect(wrapperOf(names.map((name) => wrapper + name))).toBe(wrapper)
  const path = write({}, [...names.map((name) => wrapper + name), "epoch"])
  expect([...loadWeights(path).keys()]).toEqual([...names, "epoch"])
})

test("of two networks in one file neither is taken for the other", () => {
  const names = ["student.", "teacher."].flatMap((root) => [`${root}conv1.weight`, `${root}layer1.0.conv1.weight`])
  expect(wrapperOf(names)).toBe("")
})
