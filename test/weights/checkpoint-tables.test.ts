import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { likelyNetwork } from "../../src/weights/likely-network.js"
import { severalNetworks } from "../../src/weights/names.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { withCheckpoint } from "../support/read-info.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-tables-"))
afterAll(() => rmSync(folder, { recursive: true }))

const golden = (name: string) => `test/golden/checkpoint-${name}`

/** A file of ones by name and shape. */
function write(shapes: Readonly<Record<string, readonly number[]>>): string {
  const path = join(folder, "a.safetensors")
  const ones = (shape: readonly number[]) =>
    new Float32Array(shape.reduce((product, side) => product * side, 1)).fill(1)
  writeSafetensors(
    path,
    Object.entries(shapes).map(([name, shape]) => [name, { shape, values: ones(shape) }] as const),
  )
  return path
}

test.each(["odd.pth", "legacy.pth"])("strange objects do not spoil %s", (name) => {
  withCheckpoint(golden(name), (checkpoint) => {
    const values = (name: string) => [...checkpoint.tensors.get(name)!.read()]
    expect(values("conv1.weight")).toEqual([1, 1, 1, 1, 1, 1])
    expect(values("layer1.0.conv1.weight")).toEqual([2])
    expect(values("expanded")).toEqual([2.5, 2.5, 2.5, 3.5, 3.5, 3.5])
    expect([values("whole"), values("mask"), values("bytes"), values("small")]).toEqual([
      [1, -2, 3, 4],
      [1, 0, 1],
      [1, 255],
      [0.5, -448],
    ])
    expect(() => values("complex")).toThrow("type C64")
    expect(checkpoint.table).toMatchObject({ key: "net.inner", others: ["model_ema.state_dict"] })
  })
})

test("a tensor that cannot be read matters only where it is taken", () => {
  withCheckpoint(golden("odd.pth"), (checkpoint) => {
    const weights = checkpoint.weights()
    expect(weights.get("conv1.weight")!.values[0]).toBe(1)
    expect(() => weights.get("quantised")!.values).toThrow(`${golden("odd.pth")}: quantised: a tensor is quantised`)
    expect(() => weights.get("sparse")!.values).toThrow("a tensor is sparse")
  })
})

test("a key chooses the table, and a wrong one is answered with those there are", () => {
  using chosen = Checkpoint.open(golden("odd.pth"), "model_ema.state_dict")
  expect(chosen.tensors.get("conv1.weight")!.read()[0]).toBe(5)
  expect(() => Checkpoint.open(golden("odd.pth"), "ema")).toThrow(/no table of tensors "ema"\. There are .*net\.inner/)
})

test("a key chooses one of several networks in one table", () => {
  const path = write({ "q.layer1.0.conv1.weight": [1, 1, 1, 1], "k.layer1.0.conv1.weight": [2, 1, 1, 1] })
  using chosen = Checkpoint.open(path, "k.")
  expect([...chosen.tensors].map(([name, { shape }]) => [name, shape])).toEqual([
    ["layer1.0.conv1.weight", [2, 1, 1, 1]],
  ])
})

test("a network's name is a key as far as it is told from others, and each key is told once", () => {
  const shape = [1, 1, 1, 1]
  const names = ["one.q", "one.k", "two.k"].map((root) => [`${root}.layer1.0.conv1.weight`, shape])
  const path = write({ ...Object.fromEntries(names), "layer1.0.conv1.weight": shape })
  using chosen = Checkpoint.open(path, "q")
  expect(chosen.table).toMatchObject({ key: "one.q", others: [] })
  expect(() => Checkpoint.open(path, "k")).toThrow('2 tables of tensors "k". Choose one of one.k, two.k')
  expect(() => Checkpoint.open(path, "e")).toThrow(/"e"\. There are one\.q, one\.k, two\.k$/)
  expect(severalNetworks(["q.layer1.0.conv1.weight", "layer1.0.conv1.weight"])).toEqual({
    keys: ["q"],
    text: "holds 2 networks: q, one without a key",
  })
})

test("a pickle of protocol 0 is read, unusual letters and all", () => {
  withCheckpoint(golden("protocol0.pkl"), ({ tensors }) => {
    expect(tensors.get("conv1.weight")!.read()[0]).toBe(7)
  })
})

test("Hugging Face's names of a ResNet are torchvision's", () => {
  const block = "resnet.encoder.stages.1.layers.0"
  const path = write({
    "resnet.embedder.embedder.convolution.weight": [64, 3, 7, 7],
    "resnet.embedder.embedder.normalization.bias": [64],
    "resnet.encoder.stages.0.layers.0.layer.0.convolution.weight": [64, 64, 3, 3],
    [`${block}.layer.1.normalization.bias`]: [128],
    [`${block}.shortcut.convolution.weight`]: [128, 64, 1, 1],
    "classifier.1.weight": [10, 512],
  })
  const names = [
    "conv1.weight",
    "bn1.bias",
    "layer1.0.conv1.weight",
    "layer2.0.bn2.bias",
    "layer2.0.downsample.0.weight",
  ]
  withCheckpoint(path, ({ tensors }) => expect([...tensors.keys()].sort()).toEqual([...names, "fc.weight"].sort()))
})

test.each([
  [{ "layer1.0.se.fc1.weight": [4, 64, 1, 1] }, "a SE-ResNet"],
  [{ "conv1.0.weight": [32, 3, 3, 3] }, "a ResNet-D"],
  [{ "layer1.0.conv1.weight": [128, 64, 1, 1], "layer1.0.conv2.weight": [128, 4, 3, 3] }, "a ResNeXt of 32 groups"],
  [{ "layer1.0.conv1.weight": [128, 64, 1, 1], "layer1.0.conv2.weight": [128, 128, 3, 3] }, "a Wide ResNet"],
  [{ "roi_heads.mask_head.0.0.weight": [1] }, "a Mask R-CNN"],
  [{ "head.classification_head.conv.0.0.weight": [1] }, "a RetinaNet"],
  [{ "backbone.body.0.0.weight": [1] }, "a network on MobileNet"],
  [{ "blocks.0.attn.qkv.weight": [1] }, "a transformer"],
  [{ "something.weight": [1] }, "another network"],
] as [Record<string, number[]>, string][])("%j is named %s", (shapes, name) => {
  withCheckpoint(write(shapes), (checkpoint) => expect(likelyNetwork(checkpoint)).toContain(name))
})
