import * as tf from "@tensorflow/tfjs-core"
import { describe, expect, test } from "vitest"
import { type PoolingOptions, poolingDefaults, poolingOptions, poolRegions } from "../../src/roi/pooling.js"
import { onCudaBranch } from "../support/cuda-branch.js"
import { onEveryEngine } from "../support/engines.js"
import { expectSampled, readGolden, type Sampled } from "../support/golden-detector.js"
import { madeUpMaps } from "../support/made-up.js"

interface GoldenPooling {
  readonly boxes: readonly (readonly number[])[]
  readonly images: readonly number[]
  readonly cases: readonly {
    readonly options: PoolingOptions
    readonly pooled: Sampled
    readonly gradient: Sampled
  }[]
}
const golden = readGolden<GoldenPooling>("pooling")
const boxes = Float32Array.from(golden.boxes.flat())
const images = Int32Array.from(golden.images)
const kinds: readonly Partial<PoolingOptions>[] = [
  {},
  { samplingRatio: 0 },
  { samplingRatio: 0, aligned: true },
  { operator: "pool" },
]

const isTorchvisions = () => {
  test.each(golden.cases)("with $options is torchvision's, and so is its gradient", ({ options, pooled, gradient }) => {
    tf.tidy(() => {
      const pool = (maps: tf.Tensor) => poolRegions(maps as tf.Tensor4D, boxes, images, 16, options)
      const maps = madeUpMaps("pooling", [2, 6, 8, 5])
      expectSampled(pool(maps), pooled)
      const weights = madeUpMaps("pooling gradient", [images.length, options.size, options.size, 5])
      expectSampled(tf.grad((x) => tf.sum(tf.mul(pool(x), weights)))(maps), gradient)
    })
  })
}

onCudaBranch("poolRegions", isTorchvisions)

onEveryEngine("poolRegions", () => {
  isTorchvisions()

  describe.each(kinds)("with %j", (kind) => {
    const options = poolingOptions(kind)

    test("pools no regions into nothing", () => {
      const maps: tf.Tensor4D = tf.ones([1, 4, 4, 3])
      const pooled = poolRegions(maps, new Float32Array(0), new Int32Array(0), 16, options)
      expect(pooled.shape).toEqual([0, 7, 7, 3])
    })

    test("has nothing but zeros for a region beside the map, and no gradient", () => {
      const beside = Float32Array.of(200, 300, 260, 340)
      const pool = (maps: tf.Tensor) => poolRegions(maps as tf.Tensor4D, beside, Int32Array.of(0), 16, options)
      const maps = tf.ones([1, 4, 4, 1])
      expect([...pool(maps).dataSync()]).toEqual(new Array(49).fill(0))
      expect([...tf.grad(pool)(maps).dataSync()]).toEqual(new Array(16).fill(0))
    })

    test("finds a constant in every bin inside the map", () => {
      const pooled = poolRegions(
        tf.fill([1, 6, 6, 2], 3),
        Float32Array.of(9, 17, 60, 80),
        Int32Array.of(0),
        16,
        options,
      )
      for (const value of pooled.dataSync()) expect(value).toBeCloseTo(3, 5)
    })

    test("leaves no tensor behind", () => {
      const maps: tf.Tensor4D = tf.ones([2, 6, 8, 3])
      const before = tf.memory().numTensors
      const pool = (x: tf.Tensor) => poolRegions(x as tf.Tensor4D, boxes, images, 16, options)
      pool(maps).dispose()
      tf.grad(pool)(maps).dispose()
      expect(tf.memory().numTensors).toBe(before)
      maps.dispose()
    })
  })

  test("aligned and adaptive, a region without extent has no points and gives zeros", () => {
    const options = poolingOptions({ samplingRatio: 0, aligned: true, size: 2 })
    const regions = Float32Array.of(8, 8, 8, 24, 8, 8, 40, 40)
    const pooled = poolRegions(tf.ones([1, 4, 4, 1]), regions, Int32Array.of(0, 0), 16, options)
    expect([...pooled.dataSync()]).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
  })
})

test("unknown operators and ratios below 0 are refused by name", () => {
  expect(() => poolingOptions({ operator: "max" as never })).toThrow(
    'detector.align: expected operator to be align or pool, got "max"',
  )
  expect(() => poolingOptions({ samplingRatio: -1 })).toThrow(
    "detector.align: expected samplingRatio to be a whole number, 0 or more, got -1",
  )
  expect(poolingOptions()).toEqual(poolingDefaults)
})
