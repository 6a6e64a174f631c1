import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { resNetSpec } from "../../src/backbone/architecture.js"
import { createBackbone } from "../../src/backbone/backbone.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { resNetBackbone, stage } from "../../src/backbone/resnet.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import type { NormKind } from "../../src/layers/ops.js"
import { createParameters } from "../../src/layers/parameters.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { describeReport, loadReport } from "../../src/weights/fit.js"
import { detectorName } from "../../src/weights/names.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { saveWeights } from "../../src/weights/save.js"
import { expectClose } from "../support/close.js"
import { loadWeights } from "../support/load-weights.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"
import { tinyNetwork } from "../support/tiny-network.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-load-"))
beforeAll(() => startEngine())
afterAll(() => rmSync(folder, { recursive: true }))

const path = join(folder, "model.safetensors")
const random = () => seededRandom(2)
const valuesOf = (parameters: Parameters) =>
  new Map([...parameters].map(({ name, variable }) => [name, variable.dataSync()]))

test.each<NormKind>(["frozen", "batch", "group"])(
  "a model with %s norm, written and read again, is equal to the bit",
  (norm) => {
    const parameters = new Parameters(random())
    new ResNet(new Scope(parameters), tinyNetwork, { classes: 3, norm })
    saveWeights(path, parameters, { classes: "a,b,c" })
    using checkpoint = Checkpoint.open(path)
    const [weights, { metadata }] = [checkpoint.weights({ norm }), checkpoint]
    const again = new Parameters(seededRandom(99), weights)
    new ResNet(new Scope(again), tinyNetwork, { classes: 3, norm })
    expect(valuesOf(again)).toEqual(valuesOf(parameters))
    expect(metadata).toEqual({ classes: "a,b,c" })
    expect(loadReport(again)).toEqual({
      loaded: parameters.loaded.concat(parameters.initialised),
      initialised: [],
      mismatched: [],
      unused: [],
    })
    for (const made of [parameters, again]) made.dispose()
  },
)

test("a batch norm model gives the same logits when its norms are folded and frozen, and unfolded again", () => {
  const batch = tf.randomNormal<tf.Rank.R4>([2, 40, 40, 3], 0, 1, "float32", 6)
  const parameters = new Parameters(random())
  const network = new ResNet(new Scope(parameters), tinyNetwork, { classes: 3, norm: "batch" })
  for (let pass = 0; pass < 5; pass++) tf.tidy(() => void network.train(batch))
  const logits = [tf.tidy(() => network.forward(batch).dataSync())]
  for (const norm of ["frozen", "batch"] as const) {
    saveWeights(path, parameters)
    const read = new Parameters(seededRandom(99), loadWeights(path, { norm: "frozen" }))
    const frozen = new ResNet(new Scope(read), tinyNetwork, { classes: 3, norm: "frozen" })
    saveWeights(path, read)
    const last = new Parameters(seededRandom(98), loadWeights(path, { norm }))
    const other = norm === "frozen" ? frozen : new ResNet(new Scope(last), tinyNetwork, { classes: 3, norm })
    expect(loadReport(norm === "frozen" ? read : last).initialised).toEqual([])
    logits.push(tf.tidy(() => other.forward(batch).dataSync()))
  }
  expectClose(logits[1]!, logits[0]!, 1e-4)
  expectClose(logits[2]!, logits[0]!, 1e-4)
})

test("names that begin with module. and batch counters are understood", () => {
  writeSafetensors(path, [
    ["module.fc.bias", { shape: [2], values: Float32Array.of(1, 2) }],
    ["module.bn1.num_batches_tracked", { shape: [], values: Float32Array.of(5) }],
  ])
  expect([...loadWeights(path).keys()]).toEqual(["fc.bias"])
})

test("two names that become one, and a file without tensors, are refused", () => {
  writeSafetensors(path, [
    ["a", { shape: [1], values: Float32Array.of(1) }],
    ["b", { shape: [1], values: Float32Array.of(2) }],
  ])
  expect(() => loadWeights(path, { rename: () => "x" })).toThrow(`${path}: two tensors are both "x" to the model`)
  writeSafetensors(path, [])
  expect(() => loadWeights(path)).toThrow(`${path}: holds no tensors`)
})

test("a parameter of another shape is made anew and said", () => {
  const weights = new Map([["fc.bias", { shape: [5], values: new Float32Array(5) }]])
  const parameters = new Parameters(random(), weights)
  new ResNet(new Scope(parameters), tinyNetwork, { classes: 3 })
  const report = loadReport(parameters)
  expect(report.mismatched).toEqual(["fc.bias"])
  expect(describeReport(report)).toContain("another shape in the file 1: fc (1)")
})

test.skipIf(withoutSharedData)(
  "ImageNet's folded ResNet-18 fills a C4 detector but for conv5's four 3x3 filters",
  () => {
    const file = sharedData("weights/resnet18-imagenet-folded-partial.safetensors")
    const build = (norm: NormKind) => {
      const kindOf = (conv: string): NormKind => (conv.startsWith("roi_heads.") ? norm : "frozen")
      const parameters = new Parameters(
        random(),
        loadWeights(file, { rename: detectorName("fasterrcnn_resnet18_c4"), norm: kindOf }),
      )
      const scope = new Scope(parameters)
      const backbone = createBackbone(scope.in("backbone"), resNetBackbone(resNetSpec(18)))
      const conv5 = resNetSpec(18).stages[3]!
      createParameters(scope.in("roi_heads").in("box_head").in("layer4"), (ops) => stage(ops, conv5, norm, null))
      return { backbone, parameters, report: loadReport(parameters) }
    }
    const { backbone, parameters, report } = build("frozen")
    const layer4 = (names: string[]) => names.map((name) => `roi_heads.box_head.layer4.${name}`)
    expect(report.initialised).toEqual(layer4(["0.conv1.weight", "0.conv2.weight", "1.conv1.weight", "1.conv2.weight"]))
    expect(report.unused).toEqual(["fc.bias", "fc.weight"])
    expect(report.loaded.length).toBe(36)
    expect(describeReport(report)).toContain(
      "initialised 4: roi_heads.box_head.layer4 (0.conv1 0.conv2 1.conv1 1.conv2)",
    )
    // Trained features of a grey image are finite, and neither dead nor exploding.
    const maps = tf.tidy(() => backbone.features(backbone.frozen(tf.zeros([1, 64, 64, 3])))[0]!.dataSync())
    expect(Math.max(...maps)).toBeGreaterThan(0.1)
    expect(Math.max(...maps)).toBeLessThan(50)
    parameters.dispose()

    const group = build("group").report
    expect(group.initialised.filter((name) => name.includes("conv"))).toEqual(report.initialised)
    expect(group.initialised).toContain("roi_heads.box_head.layer4.0.bn1.weight")
  },
)
