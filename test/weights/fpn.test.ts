import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, expect, test } from "vitest"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"
import { fromTorchAxes } from "../../src/weights/axes.js"
import { detectorName } from "../../src/weights/names.js"
import { adaptNorms } from "../../src/weights/norms.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { readGolden } from "../support/golden-detector.js"
import { loadWeights } from "../support/load-weights.js"

const fpnName = detectorName("fasterrcnn_resnet50_fpn")

const folder = mkdtempSync(join(tmpdir(), "resdet-fpn-"))
afterAll(() => rmSync(folder, { recursive: true }))

interface Shapes {
  /** As torchvision counts them. */
  readonly parameters: number
  readonly weights: Readonly<Record<string, number[]>>
}

/** A name of today as torchvision wrote it before 0.13. */
const oldName = (name: string) =>
  name.replace("rpn.head.conv.0.0.", "rpn.head.conv.").replace(/(_blocks\.\d)\.0\./, "$1.")

test("today's names, those before 0.13 and a plain ResNet's all become the detector's", () => {
  const { weights } = readGolden<Shapes>("fasterrcnn_resnet50_fpn")
  for (const name of Object.keys(weights)) {
    expect(fpnName(name)).toBe(name)
    expect(fpnName(oldName(name))).toBe(name)
    const body = /^backbone\.body\.(.*)$/.exec(name)?.[1]
    if (body !== undefined) expect(fpnName(body)).toBe(name)
  }
})

test.each([
  ["rpn.head.conv.weight", [], 0],
  ["rpn.head.conv.0.0.weight", [], 1e-5],
  ["rpn.head.conv.weight", ["backbone.body.bn1.num_batches_tracked"], 1e-5],
])("a file with %s %j has norms that add %d to the variance", (head, others, epsilon) => {
  const path = join(folder, "old.safetensors")
  const one = (value: number) => ({ shape: [1], values: Float32Array.of(value) })
  writeSafetensors(path, [
    ["backbone.body.conv1.weight", { shape: [1, 1, 1, 1], values: Float32Array.of(1) }],
    ["backbone.body.bn1.weight", one(1)],
    ["backbone.body.bn1.bias", one(0)],
    ["backbone.body.bn1.running_mean", one(0)],
    ["backbone.body.bn1.running_var", one(1e-5)],
    [head, { shape: [1, 1, 1, 1], values: Float32Array.of(1) }],
    ...others.map((name) => [name, one(0)] as const),
  ])
  const folded = (told?: number) =>
    loadWeights(path, { rename: fpnName, norm: "frozen", ...(told !== undefined && { epsilon: told }) }).get(
      "backbone.body.conv1.weight",
    )!.values[0]!
  expect(folded()).toBeCloseTo(1 / Math.sqrt(1e-5 + epsilon), 3)
  expect(folded(3e-5)).toBeCloseTo(1 / Math.sqrt(4e-5), 3)
})

test.each([
  ["fasterrcnn_resnet50_fpn", "frozen"],
  ["fasterrcnn_resnet50_fpn_v2", "frozen"],
  ["fasterrcnn_resnet50_fpn_v2", "batch"],
] as const)(
  "torchvision's %s fills the detector of that name with %s norms, to the last tensor",
  async (model, norm) => {
    await startEngine()
    const { weights, parameters: count } = readGolden<Shapes>(model)
    const file = Object.entries(weights).map(([name, shape]) => {
      const values = new Float32Array(shape.reduce((product, length) => product * length, 1))
      return [fpnName(oldName(name)), fromTorchAxes({ shape, values })] as const
    })
    const parameters = new Parameters(
      seededRandom(0),
      adaptNorms(new Map(file), () => norm),
    )
    const before = tf.memory().numTensors
    buildFasterRcnn(parameters, { ...modelDefaults, model, norm, conv5Norm: norm, headNorm: norm }, 90)
    expect([parameters.initialised, parameters.unused()]).toEqual([[], []])
    if (norm === "batch") {
      const learned = [...parameters].filter(({ kind }) => kind !== "statistic")
      expect(learned.reduce((sum, { variable }) => sum + variable.size, 0)).toBe(count)
      expect(count).toBe(43_712_278)
    }
    parameters.dispose()
    expect(tf.memory().numTensors).toBe(before)
  },
)
