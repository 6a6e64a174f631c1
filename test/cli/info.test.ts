import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"
import { encodeModel } from "../../src/onnx/encode-model.js"
import { classifierMetadata, detectorMetadata } from "../../src/weights/model-info.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { runCommand } from "../support/run-command.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-info-"))
afterAll(() => rmSync(folder, { recursive: true }))

async function info(...args: string[]): Promise<string> {
  const { out, code, said } = await runCommand("info", ...args)
  expect({ code, said }).toEqual({ code: 0, said: "" })
  return out
}

test("a network's document has the paper's figures", async () => {
  const paper = JSON.parse(await info("resnet101", "--stride-in", "1x1", "--json", "-"))
  expect(paper).toMatchObject({ model: "resnet101", inputSize: [224, 224], classes: 1000, parameters: 44_549_160 })
  expect((paper.multiplyAdds / 1e9).toFixed(3)).toBe("7.570")
  expect(paper.layers[0]).toEqual({
    name: "conv1",
    kernel: 7,
    stride: 2,
    in: 3,
    out: 64,
    size: [112, 112],
    parameters: 9408 + 128,
    multiplyAdds: 9408 * 112 * 112,
  })
})

test("the table names every layer and ends with the totals", async () => {
  const lines = (await info("resnet18", "--size", "448x224", "--classes", "10")).trimEnd().split("\n")
  expect(lines[0]).toBe("resnet18: input 448x224, 10 classes")
  expect(lines[2]).toMatch(/^conv1 +7x7 \/ 2 +3 -> 64 +224x112 +9,536 +236\.0 M$/)
  expect(lines).toContainEqual(expect.stringMatching(/^layer2\.0\.downsample\.0 +1x1 \/ 2 +64 -> 128/))
  expect(lines.at(-2)).toBe("11,181,642 parameters")
})

test("an ONNX file's document is its metadata", async () => {
  const file = join(folder, "graph.onnx")
  const metadata = { resdet: '{"classes":["cat"]}', note: "text" }
  const model = { name: "graph", inputs: [], outputs: [], constants: new Map(), nodes: [], metadata }
  writeFileSync(file, Buffer.concat(encodeModel(model)))
  const document = { file, metadata: { resdet: { classes: ["cat"] }, note: "text" } }
  expect(JSON.parse(await info(file, "--json", "-"))).toEqual(document)
  expect(await info(file)).toMatch(/graph.onnx: ONNX graph, 0.0 MB\nresdet: {"classes":\["cat"\]}\nnote: text\n$/)
})

test.each(["c4", "dc5", "fpn", "fpn_v2"])("a %s detector is counted as it is built", async (kind) => {
  const model = `fasterrcnn_resnet18_${kind}`
  const document = JSON.parse(await info(model, "--classes", "3", "--json", "-"))
  await startEngine()
  const parameters = new Parameters(seededRandom(1))
  buildFasterRcnn(parameters, { ...modelDefaults, model }, 3)
  const built = [...parameters].reduce((sum, { variable }) => sum + variable.size, 0)
  expect(document.parameters).toBe(built)
  expect(document.inputSize).toEqual([800, 1067])
  const names = document.layers.map(({ name }: { name: string }) => `${name}.weight`)
  expect(names.filter((name: string) => parameters.get(name) === undefined)).toEqual([])
  parameters.dispose()
})

test("a dilated conv5 works on conv4's map, a pyramid's RPN on all of its levels", async () => {
  const layersOf = async (kind: string) => {
    const { layers } = JSON.parse(await info(`fasterrcnn_resnet50_${kind}`, "--size", "600x800", "--json", "-"))
    return new Map(layers.map((layer: { name: string }) => [layer.name, layer]))
  }
  // 600 x 800 at stride 16 is 38 x 50; a 3x3 filter of 512 by 512.
  expect((await layersOf("dc5")).get("backbone.layer4.2.conv2")).toMatchObject({
    size: [38, 50],
    multiplyAdds: 9 * 512 * 512 * 38 * 50,
  })
  const cells = 150 * 200 + 75 * 100 + 38 * 50 + 19 * 25 + 10 * 13
  expect((await layersOf("fpn")).get("rpn.head.conv.0.0")).toMatchObject({ multiplyAdds: 9 * 256 * 256 * cells })
  // Each of 300 proposals: 7 x 7 x 256 values to 1024.
  expect((await layersOf("fpn")).get("roi_heads.box_head.fc6")).toMatchObject({
    multiplyAdds: 300 * 49 * 256 * 1024,
  })
})

test("a file's tensors and notes are shown, statistics not counted as parameters", async () => {
  const path = join(folder, "model.safetensors")
  const tensor = (...shape: number[]) => ({ shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) })
  const tensors = [
    ["conv1.weight", tensor(4, 3, 2, 2)],
    ["bn1.running_mean", tensor(4)],
  ] as const
  writeSafetensors(path, tensors, { classes: '["dog"]', note: "hand made" })
  expect(JSON.parse(await info(path, "--json", "-"))).toEqual({
    file: path,
    parameters: 48,
    metadata: { classes: ["dog"], note: "hand made" },
    tensors: [
      { name: "conv1.weight", dtype: "F32", shape: [4, 3, 2, 2] },
      { name: "bn1.running_mean", dtype: "F32", shape: [4] },
    ],
  })
  expect(await info(path)).toContain("conv1.weight      F32  [4, 3, 2, 2]\n")
})

test("a detector's file tells its model, classes and figures in words, and all of it in its document", async () => {
  const path = join(folder, "detector.safetensors")
  const config = { ...modelDefaults, model: "fasterrcnn_resnet18_fpn", size: 320, maxSize: 533 }
  const training = { epoch: 3, voc12: 0.123456, losses: { sums: {} } }
  const metadata = detectorMetadata({ config, classes: ["cat", "dog"], categoryIds: [1, 2], training })
  writeSafetensors(path, [["conv1.weight", { shape: [1], values: new Float32Array(1) }]], { ...metadata, note: "mine" })
  const lines = (await info(path)).split("\n")
  expect(lines.slice(1, 6)).toEqual([
    "detector fasterrcnn_resnet18_fpn: shorter side 320, longer side up to 533, 2 classes",
    expect.stringMatching(/^frozen norm.*, stride in the 3x3, shortcuts B, \d parts frozen$/),
    "trained: epoch 3, voc12 0.1235",
    "classes: cat, dog",
    "note: mine",
  ])
  expect(JSON.parse(await info(path, "--json", "-")).metadata.resdet).toMatchObject({
    training,
    classes: ["cat", "dog"],
  })
})

test("a file of others, of any format, tells what it says of its network", async () => {
  const path = join(folder, "theirs.safetensors")
  const shapes = { "layer1.0.conv1.weight": [64, 64, 1, 1] }
  const tensors = Object.entries(shapes).map(
    ([name, shape]) => [name, { shape, values: new Float32Array(4096) }] as const,
  )
  writeSafetensors(path, tensors, { arch: "resnet50", note: "converted from Caffe" })
  expect((await info(path)).split("\n")[1]).toBe(
    'resnet50, Caffe\'s: stride in doubt (its metadata say "converted from Caffe", but no key strideIn), ' +
      "shortcuts B, RGB, mean 0.485, 0.456, 0.406, std 0.229, 0.224, 0.225",
  )
  expect(JSON.parse(await info(path, "--json", "-")).origin).toMatchObject({ name: "Caffe", network: "resnet50" })
  expect(await info("test/golden/torch-zip.pth")).toContain("turned")
})

test("a classifier's file tells what it is, for people and as JSON", async () => {
  const path = join(folder, "classifier.safetensors")
  const config = {
    network: "cifar_resnet20",
    options: { zeros: "both" },
    size: 32,
    mean: [0.5, 0.25, 0],
    std: [1, 2, 3],
  } as const
  const described = { config, classes: ["cat", "dog"], training: { epochs: 3, data: "pets" } }
  writeSafetensors(path, [["fc.bias", { shape: [2], values: new Float32Array(2) }]], classifierMetadata(described))
  expect((await info(path)).split("\n").slice(1, 7)).toEqual([
    "classifier cifar_resnet20: input 32x32, 2 classes",
    "mean: 0.5, 0.25, 0; std: 1, 2, 3",
    "zeros: both",
    "epochs: 3",
    "data: pets",
    "classes: cat, dog",
  ])
  const { metadata } = JSON.parse(await info(path, "--json", "-"))
  expect(metadata).toEqual({ resdet_classifier: { format: 1, ...described } })
})

test("an unknown model, a bad size and a broken file are one line each", async () => {
  const path = join(folder, "broken.safetensors")
  writeFileSync(path, "not weights")
  for (const [args, code, message] of [
    [["resnet19"], 2, 'info: no file and no model "resnet19". Did you mean "resnet18"?'],
    [["resnet18", "--size", "big"], 2, "--size: expected a side in pixels, or height x width as in 600x800, got"],
    [[path], 3, `${path}: not a whole safetensors file`],
  ] as const) {
    const result = await runCommand("info", ...args)
    expect(result).toMatchObject({ out: "", code, said: expect.stringContaining(message) })
    expect(result.said.trimEnd()).not.toContain("\n")
  }
})
