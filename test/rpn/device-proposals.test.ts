import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import type { Size } from "../../src/core/shapes.js"
import { countTraffic } from "../../src/engine/native/traffic.js"
import { anchorDefaults, anchorLevels, levelAnchors } from "../../src/rpn/anchors.js"
import { imageLimits, proposeOnDevice, unpackProposals } from "../../src/rpn/device-proposals.js"
import { type ProposalOptions, proposeBoxes, trainProposalDefaults } from "../../src/rpn/proposals.js"
import { onCudaBranch } from "../support/cuda-branch.js"
import { quickRandom } from "../support/untrained-detector.js"

/** Of about one size on every level: boxes of different ones overlap. */
const pyramid = { ...anchorDefaults, sizes: [60, 64, 68], stride: 8 }
const one = { ...anchorDefaults, sizes: [64, 128] }
const sizes: Size[] = [
  [200, 260],
  [188, 320],
]
const few: ProposalOptions = { ...trainProposalDefaults, preNmsTopN: 300, postNmsTopN: 120 }

/** What an untrained RPN says: any anchor is as good as another, boxes move by some of their sides. */
function madeUp(cells: readonly Size[], anchors: typeof one) {
  const random = quickRandom(3)
  const grid = levelAnchors(cells, anchors)
  const count = grid.reduce((sum, own) => sum + own.length / 4, 0)
  const logits = tf.tensor2d(
    Float32Array.from({ length: 2 * count }, () => random.normal()),
    [2, count],
  )
  const deltas = tf.tensor3d(
    Float32Array.from({ length: 8 * count }, () => 0.3 * random.normal()),
    [2, count, 4],
  )
  return { grid, count, outputs: { logits, deltas }, levels: anchorLevels(cells, anchors) }
}

onCudaBranch("proposeOnDevice", () => {
  test.each([
    [
      "a pyramid",
      pyramid,
      [
        [25, 40],
        [13, 20],
        [7, 10],
      ] as Size[],
      few,
    ],
    ["one level", one, [[13, 20]] as Size[], few],
    ["fewer anchors than are asked for", one, [[3, 4]] as Size[], few],
    ["sides of which many are too short", one, [[13, 20]] as Size[], { ...few, minSide: 60 }],
  ])("proposes what plain arrays do, in their order: %s", (_, anchors, cells, options) => {
    const { grid, count, outputs, levels } = madeUp(cells, anchors)
    const own = unpackProposals(proposeOnDevice(outputs, levels, imageLimits(sizes), options))
    const [logits, deltas] = [outputs.logits.dataSync<"float32">(), outputs.deltas.dataSync<"float32">()]
    for (const [n, size] of sizes.entries()) {
      const [from, to] = [n * count, (n + 1) * count]
      const plain = proposeBoxes(grid, logits.subarray(from, to), deltas.subarray(4 * from, 4 * to), size, options)
      expect(own[n]!.length).toBe(plain.length)
      const furthest = plain.reduce((most, value, at) => Math.max(most, Math.abs(value - own[n]![at]!)), 0)
      expect(furthest).toBeLessThan(1e-3)
    }
  })

  test("is read at once, 16 bytes a proposal, and leaves no tensor behind", async () => {
    const { outputs, levels } = madeUp([[13, 20]], one)
    const limits = imageLimits(sizes)
    const before = tf.memory().numTensors
    const { traffic } = await countTraffic(() => {
      const packed = proposeOnDevice(outputs, levels, limits, few)
      unpackProposals(packed)
      packed.dispose()
    })
    expect(traffic.read).toEqual([2 * 4 * (1 + 4 * few.postNmsTopN)])
    expect(tf.memory().numTensors).toBe(before)
  })

  test("a box of nothing but NaN is not proposed", () => {
    const { outputs, levels } = madeUp([[3, 4]], one)
    const deltas = tf.fill<tf.Rank.R3>(outputs.deltas.shape, Number.NaN)
    const proposed = unpackProposals(proposeOnDevice({ ...outputs, deltas }, levels, imageLimits(sizes), few))
    expect(proposed.map(({ length }) => length)).toEqual([0, 0])
  })
})
