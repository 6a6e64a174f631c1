import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { type NetworkSpec, resNetSpec } from "../../src/backbone/architecture.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { cifarSpec, networkNames, networkSpec } from "../../src/backbone/networks.js"
import { stage } from "../../src/backbone/resnet.js"
import { summarize } from "../../src/backbone/summary.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { createParameters } from "../../src/layers/parameters.js"
import { testingOps } from "../../src/layers/tensor-ops.js"
import { onEveryEngine } from "../support/engines.js"

// Counted from the paper's layer lists, batch norm included; the paper prints them rounded (Table 6).
test.each([
  ["cifar_resnet20", 269_722, 40.6],
  ["cifar_plain20", 269_722, 40.6],
  ["cifar_resnet32", 464_154, 68.9],
  ["cifar_resnet44", 658_586, 97.2],
  ["cifar_resnet56", 853_018, 125.5],
  ["cifar_resnet110", 1_727_962, 252.9],
  ["cifar_resnet1202", 19_421_274, 2829],
  ["plain18", 11_515_688, 1795],
  ["plain34", 21_623_848, 3644],
] as const)("%s has the published size and cost", (name, parameters, mega) => {
  const summary = summarize(networkSpec(name))
  expect(summary.parameters).toBe(parameters)
  expect(Number((summary.multiplyAdds / 1e6).toFixed(mega < 1000 ? 1 : 0))).toBe(mega)
})

test.each([
  ["A", 21_623_848, 3.644],
  ["B", 21_797_672, 3.664],
  ["C", 22_716_840, 3.831],
] as const)("ResNet-34 with shortcut option %s has the published size and cost", (shortcut, parameters, giga) => {
  const summary = summarize(resNetSpec(34, { shortcut }))
  expect(summary.parameters).toBe(parameters)
  expect(Number((summary.multiplyAdds / 1e9).toFixed(3))).toBe(giga)
})

test("every name gives the network of that name", () => {
  for (const name of networkNames) expect(networkSpec(name).name).toBe(name)
})

test("an unknown network or depth is told with what there is", () => {
  expect(() => networkSpec("resnet19")).toThrow(
    'no network "resnet19". Did you mean "resnet18"? Known: resnet18, resnet34',
  )
  expect(() => cifarSpec(21)).toThrow("expected a depth of 6n + 2, such as 20 or 56, got 21")
})

/** Values of channels at one cell through a block whose convolutions give 0. */
function shortcutAlone(zeros: "after" | "both"): number[] {
  const spec = { layers: [], shortcut: { zeros, stride: 2, in: 2, out: 6 } }
  const layer = { conv: "conv1", norm: "bn1", kernel: 1, stride: 2, in: 2, out: 6 }
  const nothing = new Map([["0.conv1.weight", { shape: [1, 1, 2, 6], values: new Float32Array(12) }]])
  const parameters = new Parameters(seededRandom(1), nothing)
  const scope = new Scope(parameters)
  const blocks = [{ ...spec, layers: [layer] }]
  createParameters(scope, (ops) => stage(ops, blocks, "frozen", null))
  const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18], [1, 3, 3, 2])
  const y = tf.tidy(() => stage<tf.Tensor>(testingOps(scope), blocks, "frozen", x))
  expect(y.shape).toEqual([1, 2, 2, 6])
  parameters.dispose()
  return [...y.dataSync()].slice(6, 12)
}

onEveryEngine("a classifier", () => {
  test("says the same of an image however often it is asked", () => {
    const parameters = new Parameters(seededRandom(1))
    const network = new ResNet(new Scope(parameters), networkSpec("cifar_resnet20"))
    const x = tf.randomNormal<tf.Rank.R4>([2, 16, 16, 3], 0, 1, "float32", 1)
    const logits = () => tf.tidy(() => network.forward(x).dataSync())
    const first = logits()
    for (let k = 0; k < 3; k++) expect(logits()).toEqual(first)
    x.dispose()
    parameters.dispose()
  })
})

onEveryEngine("option A", () => {
  test("takes every second pixel, and pads its channels behind or on both sides", () => {
    expect(shortcutAlone("after")).toEqual([5, 6, 0, 0, 0, 0])
    expect(shortcutAlone("both")).toEqual([0, 0, 5, 6, 0, 0])
  })

  test.each<[string, NetworkSpec]>([
    ["a residual", cifarSpec(8)],
    ["a plain", cifarSpec(8, { plain: true })],
  ])("%s CIFAR network takes a training step that reaches its first filter, and leaves no tensor", (_, spec) => {
    const parameters = new Parameters(seededRandom(1))
    const network = new ResNet(new Scope(parameters), spec)
    const images = tf.randomNormal<tf.Rank.R4>([2, 32, 32, 3], 0, 1, "float32", 1)
    const variables = parameters.trainable().map(({ variable }) => variable)
    const largest = () =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => tf.sum(tf.square(network.train(images))) as tf.Scalar, variables)
        return Math.max(...grads[parameters.get("conv1.weight")!.variable.name]!.dataSync())
      })
    expect(largest()).toBeGreaterThan(0)
    const tensors = tf.memory().numTensors
    largest()
    expect(tf.memory().numTensors).toBe(tensors)
    expect(tf.tidy(() => network.forward(images).shape)).toEqual([2, 10])
    parameters.dispose()
  })
})
