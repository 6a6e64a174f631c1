import { expect, test } from "vitest"
import type { Weights } from "../../src/core/parameters.js"
import type { Checkpoint } from "../../src/weights/checkpoint.js"
import { weightsForClasses } from "../../src/weights/other-classes.js"

const weightsOf = (...names: readonly string[]): Weights =>
  new Map(names.map((name) => [name, { shape: [1], values: new Float32Array(1) }]))

/** The layers that stay, and what is said. */
function kept(kind: "classifier" | "localizer", model: object, layers: Weights, classes: readonly string[]) {
  const lines: string[] = []
  const checkpoint = { path: "w.safetensors", model } as unknown as Checkpoint
  const weights = weightsForClasses(kind, checkpoint, layers, classes, (line) => lines.push(line))
  return [[...weights.keys()], lines]
}

const classifier = (classes: readonly string[], training = { epoch: 3 }) => ({
  ...{ kind: "classifier", info: { classes, training } },
})
const resnet = weightsOf("conv1.weight", "fc.weight", "fc.bias")

test("a classifier of other classes goes on without its last layer, though they are as many, and says so", () => {
  expect(kept("classifier", classifier(["cat", "dog"]), resnet, ["cat", "fox"])).toEqual([
    ["conv1.weight"],
    ["w.safetensors: fc made new: it was trained for cat, dog, the data have cat, fox"],
  ])
  expect(kept("classifier", classifier(["cat", "dog"]), resnet, ["dog", "cat"])[0]).toEqual(["conv1.weight"])
  expect(kept("classifier", classifier(["0", "1"]), resnet, ["cat", "dog"])[0]).toEqual(["conv1.weight"])
})

test("with the same classes, or where nobody told them, all layers stay", () => {
  for (const model of [classifier(["cat", "dog"]), classifier(["0", "1"], {} as never), { kind: "foreign" }]) {
    expect(kept("classifier", model, resnet, ["cat", "dog"])).toEqual([[...resnet.keys()], []])
  }
  expect(kept("localizer", classifier(["cat"]), resnet, ["cat", "dog"])).toEqual([[...resnet.keys()], []])
})

test("a localizer's stage loses what it has of each class", () => {
  const localizer = { kind: "localizer", info: { classes: ["a", "b"], training: { epoch: 1 } } }
  const rpn = weightsOf("backbone.conv1.weight", "rpn.conv.weight", "rpn.cls_logits.bias", "rpn.bbox_pred.weight")
  expect(kept("localizer", localizer, rpn, ["a", "c"])).toEqual([
    ["backbone.conv1.weight", "rpn.conv.weight"],
    ["w.safetensors: rpn.cls_logits, rpn.bbox_pred made new: it was trained for a, b, the data have a, c"],
  ])
})
