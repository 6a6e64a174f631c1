import { expect, test } from "vitest"
import { detections, selectBounds } from "../../src/onnx/detections.js"
import { Graph } from "../../src/onnx/graph.js"
import { decodePredictions } from "../../src/roi/predictions.js"
import { postprocessDetections, type SelectOptions, selectDefaults } from "../../src/roi/select.js"
import { expectClose } from "../support/close.js"
import { madeUp } from "../support/made-up.js"
import { noWeights, runModel, withOnnxRuntime } from "../support/onnx.js"

const numLabels = 4
const size = [60, 80] as const

/** Regions over and beside each other. */
function made(count: number) {
  const regions = madeUp("regions", 4 * count, (value) => 30 * (value + 0.5))
  for (let at = 0; at < regions.length; at++) if (at % 4 > 1) regions[at]! += 20 + regions[at - 2]!
  const logits = madeUp("logits", numLabels * count, (value) => 8 * value)
  // Two pairs of equal rows: of equal scores the earlier region counts as better.
  if (count > 5) logits.copyWithin(numLabels, 0, numLabels)
  return { regions, logits, deltas: madeUp("deltas", 4 * numLabels * count, (value) => 3 * value) }
}

async function run(count: number, changes: Partial<SelectOptions> = {}) {
  const select = { ...selectDefaults, ...changes }
  const { regions, logits, deltas } = made(count)
  const graph = new Graph(noWeights)
  graph.input({ name: "regions", type: "float32", shape: ["r", 4] })
  graph.input({ name: "logits", type: "float32", shape: ["r", numLabels] })
  graph.input({ name: "deltas", type: "float32", shape: ["r", 4 * numLabels] })
  detections(
    graph,
    { regions: "regions", logits: "logits", deltas: "deltas" },
    {
      limit: graph.reals([size[1], size[0], size[1], size[0]]),
      scale: graph.node("Cast", [graph.reals([2, 4, 2, 4])], { to: 11 }),
      bounds: selectBounds(graph, select),
      numLabels,
      minSide: select.minSide,
    },
  )
  const found = await runModel(graph.model("detections", {}), {
    regions: { shape: [count, 4], values: regions },
    logits: { shape: [count, numLabels], values: logits },
    deltas: { shape: [count, 4 * numLabels], values: deltas },
  })
  const expected = postprocessDetections(decodePredictions(regions, logits, deltas), size, select)
  return { found, expected, count: expected.scores.length }
}

withOnnxRuntime("the graph of the selection", () => {
  test.each([
    ["the usual bounds", 40, {}],
    ["a high score", 40, { score: 0.6 }],
    ["a strict overlap and a limit", 40, { nmsThreshold: 0.2, maxDetections: 5 }],
    ["a longest shortest side", 40, { minSide: 30 }],
    ["one region", 1, {}],
  ])("keeps the same detections in the same order: %s", async (_, regions, changes) => {
    const { found, expected, count } = await run(regions, changes)
    expect(count).toBeGreaterThan(0)
    expect(found.boxes!.shape).toEqual([count, 4])
    expect([...found.labels!.values].map(Number)).toEqual([...expected.labels])
    expectClose(found.scores!.values as Float32Array, expected.scores)
    expectClose(
      found.boxes!.values as Float32Array,
      expected.boxes.map((value, at) => value / (at % 2 === 0 ? 2 : 4)),
    )
  })

  test.each([
    ["no score is high enough", 40, { score: 1 }],
    ["there are no regions", 0, {}],
  ])("keeps nothing where %s", async (_, regions, changes) => {
    const { found, count } = await run(regions, changes)
    expect(count).toBe(0)
    expect([found.boxes!.shape, found.labels!.shape, found.scores!.shape]).toEqual([[0, 4], [0], [0]])
  })
})
