import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { roiAlign } from "../../src/roi/align.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { expectSampled, readGolden, type Sampled } from "../support/golden-detector.js"
import { madeUpMaps } from "../support/made-up.js"

interface GoldenPooling {
  readonly boxes: readonly (readonly number[])[]
  readonly images: readonly number[]
  readonly cases: readonly {
    readonly aligned: boolean
    readonly size: number
    readonly pooled: Sampled
    readonly gradient: readonly number[]
  }[]
}
const golden = readGolden<GoldenPooling>("pooling")
const boxes = Float32Array.from(golden.boxes.flat())
const images = Int32Array.from(golden.images)

onEveryEngine("roiAlign", () => {
  test.each(golden.cases)(
    "$size x $size with aligned $aligned is torchvision's, and so is its gradient",
    (expected) => {
      const { aligned, size, pooled, gradient } = expected
      tf.tidy(() => {
        const pool = (maps: tf.Tensor4D) => roiAlign(maps, boxes, images, 16, { size, samplingRatio: 2, aligned })
        const maps: tf.Tensor4D = madeUpMaps("pooling", [2, 6, 8, 5])
        expectSampled(pool(maps), pooled)
        const weights = madeUpMaps("pooling gradient", [boxes.length / 4, size, size, 5])
        const found = tf.grad((x) => tf.sum(tf.mul(pool(x as tf.Tensor4D), weights)))(maps)
        expectClose(found.dataSync(), gradient, 1e-4)
      })
    },
  )

  test("no regions give an empty result, and no tensor is left behind", () => {
    const maps: tf.Tensor4D = tf.ones([1, 4, 4, 3])
    const before = tf.memory().numTensors
    const options = { size: 7, samplingRatio: 2, aligned: false }
    const pooled = roiAlign(maps, new Float32Array(0), new Int32Array(0), 16, options)
    expect(pooled.shape).toEqual([0, 7, 7, 3])
    pooled.dispose()
    roiAlign(maps, boxes.subarray(0, 4), images.subarray(0, 1), 16, options).dispose()
    expect(tf.memory().numTensors).toBe(before)
    maps.dispose()
  })
})
