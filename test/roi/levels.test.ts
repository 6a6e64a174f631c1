import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { alignOnLevels, levelAreas, levelOfBox } from "../../src/roi/levels.js"
import { poolingDefaults } from "../../src/roi/pooling.js"
import { onCudaBranch } from "../support/cuda-branch.js"
import { onEveryEngine } from "../support/engines.js"
import { expectSampled, readGolden, type Sampled } from "../support/golden-detector.js"
import { madeUpMaps } from "../support/made-up.js"

interface GoldenLevels {
  readonly boxes: readonly (readonly number[])[]
  readonly images: readonly number[]
  readonly of: readonly number[]
  readonly pooled: Sampled
  readonly gradients: readonly Sampled[]
}
const golden = readGolden<{ levels: GoldenLevels }>("pooling").levels
const boxes = Float32Array.from(golden.boxes.flat())
const images = Int32Array.from(golden.images)
const options = poolingDefaults
/** Of P2 to P6. */
const strides = [4, 8, 16, 32, 64]

test("a region's level is torchvision's, 112 and 448 pixels square the first of their levels", () => {
  const areas = levelAreas(strides)
  expect(golden.images.map((_, i) => 2 + levelOfBox(boxes, i, areas))).toEqual(golden.of)
  const squares = Float32Array.of(0, 0, 112, 112, 0, 0, 111.9, 112, 0, 0, 448, 448, 5, 5, 5, 5)
  expect([0, 1, 2, 3].map((i) => 2 + levelOfBox(squares, i, areas))).toEqual([3, 2, 5, 2])
})

const isTorchvisions = () => {
  test("cuts every region from its level as torchvision does, in the given order, and so do gradients", () => {
    tf.tidy(() => {
      const maps = golden.gradients.map((_, l) => madeUpMaps(`level ${l}`, [2, 128 >> l, 160 >> l, 3]))
      const pool = (levels: tf.Tensor4D[]) => alignOnLevels(levels, boxes, images, strides, options)
      expectSampled(pool(maps), golden.pooled)
      const weights = madeUpMaps("level gradient", [images.length, 7, 7, 3])
      const grads = tf.grads((...levels) => tf.sum(tf.mul(pool(levels as tf.Tensor4D[]), weights)))(maps)
      for (const [l, expected] of golden.gradients.entries()) expectSampled(grads[l]!, expected)
    })
  })
}

onCudaBranch("alignOnLevels", isTorchvisions)

onEveryEngine("alignOnLevels", () => {
  isTorchvisions()

  test("no regions are legal, and no tensor is left behind", () => {
    const levels: tf.Tensor4D[] = [8, 4, 2, 1, 1].map((side) => tf.ones([1, side, side, 3]))
    const before = tf.memory().numTensors
    const none = alignOnLevels(levels, new Float32Array(0), new Int32Array(0), strides, options)
    expect(none.shape).toEqual([0, 7, 7, 3])
    none.dispose()
    alignOnLevels(levels, Float32Array.of(0, 0, 9, 9, 0, 0, 500, 500), Int32Array.of(0, 0), strides, options).dispose()
    expect(tf.memory().numTensors).toBe(before)
    tf.dispose(levels)
  })
})
