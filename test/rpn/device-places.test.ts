import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { anchorPatches, type MapSizes } from "../../src/rpn/anchor-places.js"
import { placesOnDevice } from "../../src/rpn/device-places.js"
import { onCudaBranch } from "../support/cuda-branch.js"

const pyramid: MapSizes[] = [
  [2, 12, 9],
  [2, 6, 5],
  [2, 3, 3],
]
const perCell = 3

onCudaBranch("placesOnDevice", () => {
  test.each([
    ["a pyramid", pyramid, 1],
    ["a pyramid, two convolutions", pyramid, 2],
    ["one map", pyramid.slice(0, 1), 1],
    ["one map, three convolutions", pyramid.slice(0, 1), 3],
  ])("finds the cells that plain arrays do: %s", (_, sizes, depth) => {
    const count = sizes.reduce((sum, [, height, width]) => sum + height * width * perCell, 0)
    // Every anchor of one image, and of the other the same backwards.
    const all = Array.from({ length: count }, (_, index) => index)
    const sampled = [all, all.toReversed()]
    const { finest, others, inside, anchors } = anchorPatches(sizes, perCell, sampled, depth)
    const own = anchors.map((anchor, row) => row * perCell + anchor)
    const parts = [finest, ...(sizes.length > 1 ? [others] : [])].flatMap(({ cells, counts }) => [cells, counts])
    const before = tf.memory().numTensors
    const found = placesOnDevice(sizes, perCell, tf.tensor2d(sampled), depth)
    expect(found.map((tensor) => tensor.dataSync())).toEqual([own, ...inside, ...parts])
    tf.dispose(found)
    // The anchors themselves.
    expect(tf.memory().numTensors).toBe(before + 1)
  })
})
