import { expect, test } from "vitest"
import { modelDefaults } from "../../src/detector/model.js"
import { detectorGraph } from "../../src/onnx/detector-graph.js"
import { toTorchAxes } from "../../src/weights/axes.js"
import { adaptNorms } from "../../src/weights/norms.js"
import { expectClose } from "../support/close.js"
import {
  expectBoxes,
  type GoldenDetector,
  goldenConfig,
  goldenWeights,
  readGolden,
} from "../support/golden-detector.js"
import { madeUp } from "../support/made-up.js"
import { noWeights, runModel, withOnnxRuntime } from "../support/onnx.js"

// The weights' batch norms are folded.
const norms = { norm: "frozen", conv5Norm: "frozen", headNorm: "frozen" } as const
// The golden images enter unnormalised.
const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const

withOnnxRuntime("the graph of a detector", () => {
  test.each(["c4", "dc5", "fpn", "fpn_v2"] as const)(
    "%s detects what torchvision detects, in its order",
    async (kind) => {
      const golden = readGolden<GoldenDetector>(kind)
      const folded = adaptNorms(goldenWeights(kind, golden), () => "frozen")
      const weights = new Map([...folded].map(([name, weight]) => [name, toTorchAxes(weight)]))
      for (const { name, sizes, detections } of golden.batches) {
        for (const [n, [height, width]] of sizes.entries()) {
          // As large as it is.
          const size = Math.min(height, width)
          const config = { ...goldenConfig(kind, golden), ...norms, size, input: plain }
          const model = detectorGraph(config, golden.classes, (layer) => weights.get(layer)!)
          const values = madeUp(`${kind} ${name} ${n}`, 3 * height * width, (value) => 4 * value)
          const found = await runModel(model, { image: { shape: [3, height, width], values } })
          const { boxes, scores, labels } = detections[n]!
          expect([...found.labels!.values].map(Number)).toEqual(labels)
          expectClose(found.scores!.values as Float32Array, scores, 1e-4)
          expectBoxes(found.boxes!.values as Float32Array, boxes)
        }
      }
    },
  )
})

test("a graph keeps to what other runtimes and tools take", () => {
  const config = { ...goldenConfig("fpn", readGolden<GoldenDetector>("fpn")), ...norms, input: plain }
  const { nodes, constants } = detectorGraph(config, 3, () => ({
    shape: [4, 4, 3, 3],
    values: new Float32Array(144),
  }))
  const ofKind = (op: string) => nodes.filter((node) => node.op === op)
  // OpenCV wants the value of ConstantOfShape, and bounds of a suppression that are not below 0.
  expect(ofKind("ConstantOfShape")).toEqual([])
  const bounds = ofKind("NonMaxSuppression").map(({ inputs }) => constants.get(inputs[4]!)!.values[0])
  expect(bounds.length).toBeGreaterThan(1)
  expect(bounds.every((bound) => Number(bound) >= 0)).toBe(true)
  // The usual converter to 16 bits leaves a Cast as it is, and takes its result for one of 16 bits.
  expect(ofKind("Cast").filter(({ attributes }) => attributes.to === 1)).toEqual([])
})

test("a detector that chooses in a way without a graph is refused in one line", () => {
  const { options } = modelDefaults
  const config = {
    ...modelDefaults,
    model: "fasterrcnn_resnet18_c4",
    options: { ...options, select: { ...options.select, vote: true } },
  }
  expect(() => detectorGraph(config, 3, noWeights)).toThrow(
    "detectors with soft NMS, class-agnostic NMS or box voting cannot be ONNX graphs yet",
  )
})
