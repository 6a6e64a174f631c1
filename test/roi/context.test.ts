import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { besideContext, wholeImages } from "../../src/roi/context.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"

test("a whole image is the region from 0 to its width and height", () => {
  expect([
    ...wholeImages([
      [30, 40],
      [5, 6],
    ]),
  ]).toEqual([0, 0, 40, 30, 0, 0, 6, 5])
  expect(wholeImages([])).toHaveLength(0)
})

onEveryEngine("context", () => {
  // Three regions, of images 1, 0 and 1; then the two images.
  const vectors = [
    [1, 2],
    [3, 4],
    [5, 6],
    [10, 20],
    [30, 40],
  ]
  const images = Int32Array.of(1, 0, 1)

  test("stands behind each region's own vector", () => {
    tf.tidy(() => {
      const beside = besideContext(tf.tensor2d(vectors), tf.tensor1d(images, "int32"))
      expect(beside.arraySync()).toEqual([
        [1, 2, 30, 40],
        [3, 4, 10, 20],
        [5, 6, 30, 40],
      ])
    })
  })

  test("has a gradient from every region of its image", () => {
    tf.tidy(() => {
      const weights = tf.tensor2d([
        [1, 0, 2, 0],
        [0, 1, 4, 0],
        [0, 0, 8, 1],
      ])
      const gradient = tf.grad((x) =>
        tf.sum(tf.mul(besideContext(x as tf.Tensor2D, tf.tensor1d(images, "int32")), weights)),
      )
      expectClose(gradient(tf.tensor2d(vectors)).dataSync(), [1, 0, 0, 1, 0, 0, 4, 0, 10, 1])
    })
  })

  test("without regions there is nothing", () => {
    tf.tidy(() => {
      expect(besideContext(tf.zeros([2, 3]), tf.tensor1d([], "int32")).shape).toEqual([0, 6])
    })
  })
})
