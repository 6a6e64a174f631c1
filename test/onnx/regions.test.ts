import { beforeAll, expect, test } from "vitest"
import { pooledRegions } from "../../src/onnx/regions.js"
import { alignOnLevels } from "../../src/roi/levels.js"
import { poolingOptions } from "../../src/roi/pooling.js"
import { expectClose } from "../support/close.js"
import { madeUpMaps } from "../support/made-up.js"
import { channelsFirst, noWeights, runGraph, startReference, withOnnxRuntime } from "../support/onnx.js"

/** Of P4, P2, P5, P2, in part outside, and none of P3; the third is exactly where P5 begins. */
const boxes = Float32Array.from(
  [
    [30, 40, 300, 280],
    [10, 10, 30.5, 42],
    [0, 0, 448, 448],
    [600, 480, 660, 530],
  ].flat(),
)

withOnnxRuntime("the graph of the regions", () => {
  beforeAll(startReference)

  test.each([
    [5, { size: 7, samplingRatio: 2, aligned: false }],
    [5, { size: 14, samplingRatio: 2, aligned: true }],
    [5, { size: 7, samplingRatio: 0, aligned: true }],
    [1, { size: 7, samplingRatio: 2, aligned: true }],
    [1, { size: 7, samplingRatio: 2, aligned: false }],
    [1, { size: 7, samplingRatio: 0, aligned: false }],
    [1, { operator: "pool", size: 7 }],
    [5, { operator: "pool", size: 5 }],
  ] as const)("on %i levels pools the same regions and restores their order: %o", async (count, wishes) => {
    const options = poolingOptions(wishes)
    const strides = count === 1 ? [16] : [4, 8, 16, 32, 64]
    const maps = Array.from({ length: count }, (_, l) =>
      madeUpMaps(`level ${l}`, [1, Math.ceil(512 / strides[l]!), 640 / strides[l]!, 3]),
    )
    const inputs = Object.fromEntries(maps.map((map, l) => [`level_${l}`, channelsFirst(map)]))
    const [found] = await runGraph(inputs, noWeights, (graph) => {
      const regions = graph.reals(boxes, [boxes.length / 4, 4])
      const pooled = pooledRegions(graph, Object.keys(inputs), regions, strides, options)
      return [{ value: pooled.restore(pooled.maps), rank: 4 }]
    })
    const images = new Int32Array(boxes.length / 4)
    const expected = channelsFirst(alignOnLevels(maps, boxes, images, strides, options))
    expect(found!.shape).toEqual(expected.shape)
    expectClose(found!.values as Float32Array, expected.values as Float32Array, 1e-4)
  })
})
