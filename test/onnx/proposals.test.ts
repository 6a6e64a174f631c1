import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { graphOps } from "../../src/onnx/graph-ops.js"
import { proposals } from "../../src/onnx/proposals.js"
import { anchorsPerCell, levelAnchors } from "../../src/rpn/anchors.js"
import { RpnHead, type RpnHeadSizes, rpnHead } from "../../src/rpn/head.js"
import { type ProposalOptions, proposeBoxes } from "../../src/rpn/proposals.js"
import { madeUpMaps } from "../support/made-up.js"
import { channelsFirst, runGraph, startReference, weightsOf, withOnnxRuntime } from "../support/onnx.js"

const channels = 8
/** Fewer anchors than `preNmsTopN` on the coarse levels, more on the fine ones. */
const options: ProposalOptions = { preNmsTopN: 60, postNmsTopN: 40, nmsThreshold: 0.7, minSide: 1e-3 }
const pyramid = {
  anchors: { sizes: [16, 32, 64], ratios: [0.5, 1, 2], stride: 8 },
  sides: [
    [12, 9],
    [6, 5],
    [3, 3],
  ],
}
const single = { anchors: { sizes: [16, 32], ratios: [0.5, 1, 2], stride: 8 }, sides: [[7, 11]] }

withOnnxRuntime("the graph of the RPN", () => {
  beforeAll(startReference)

  async function run(
    { anchors, sides }: typeof single,
    size: readonly [number, number],
    shift = 0,
    kind: Partial<RpnHeadSizes> = {},
  ) {
    const parameters = new Parameters(seededRandom(1))
    const perCell = anchorsPerCell(anchors, sides.length)
    const head = new RpnHead(new Scope(parameters, "rpn.head."), { channels, anchors: perCell, ...kind })
    for (const { name, variable } of parameters) {
      if (name.endsWith("weight")) variable.assign(tf.mul(variable, 20))
      if (name.endsWith("bbox_pred.bias")) variable.assign(tf.fill(variable.shape, shift))
    }
    const maps = sides.map(([height, width], l) => madeUpMaps(`level ${l}`, [1, height!, width!, channels]))
    const inputs = Object.fromEntries(maps.map((map, l) => [`level_${l}`, channelsFirst(map)]))
    const [found] = await runGraph(inputs, weightsOf(parameters), (graph) => {
      const limit = graph.reals([size[1], size[0], size[1], size[0]])
      const ops = graphOps(graph, "rpn.head.")
      const levels = Object.keys(inputs)
      const outputs = levels.map((maps) => rpnHead(ops, { channels, anchors: perCell, ...kind }, maps))
      return [{ value: proposals(graph, levels, outputs, limit, { anchors, options }), rank: 2 }]
    })
    const expected = tf.tidy(() => {
      const { logits, deltas } = head.apply(maps)
      const grid = levelAnchors(sides as [number, number][], anchors)
      return proposeBoxes(grid, logits.dataSync<"float32">(), deltas.dataSync<"float32">(), size, options)
    })
    return { found: found!, expected }
  }

  test.each([
    ["one level", single, [56, 85]],
    ["a pyramid with a level that was rounded up", pyramid, [96, 70]],
  ] as const)("of %s proposes the same boxes in the same order", async (_, kind, size) => {
    const { found, expected } = await run(kind as typeof single, size)
    expect(expected.length).toBeGreaterThan(4 * 20)
    expect(found.shape).toEqual([expected.length / 4, 4])
    for (const [at, value] of expected.entries()) expect(Math.abs(Number(found.values[at]) - value)).toBeLessThan(1e-3)
  })

  test("of a wider RPN with a softmax proposes the same boxes", async () => {
    const { found, expected } = await run(single, [56, 85], 0, { objectness: "softmax", width: 2 * channels })
    expect(expected.length).toBeGreaterThan(4 * 20)
    expect(found.shape).toEqual([expected.length / 4, 4])
    for (const [at, value] of expected.entries()) expect(Math.abs(Number(found.values[at]) - value)).toBeLessThan(1e-3)
  })

  test("proposes nothing where every box lies outside the image", async () => {
    const { found, expected } = await run(pyramid, [96, 70], 100)
    expect(expected).toHaveLength(0)
    expect(found.shape).toEqual([0, 4])
  })
})
