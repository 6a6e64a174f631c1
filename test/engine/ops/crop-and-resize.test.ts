import * as tf from "@tensorflow/tfjs-core"
import { describe, expect, it } from "vitest"
import { seededRandom } from "../../../src/core/random.js"
import { cropAndResize } from "../../../src/engine/ops/crop-and-resize/crop-and-resize.js"
import { cropGradientByProducts } from "../../../src/engine/ops/crop-and-resize/products.js"
import { expectClose } from "../../support/close.js"
import { onAwaitedEngines } from "../../support/engines.js"

const random = seededRandom(3)
const numbers = (count: number) => Array.from({ length: count }, () => random.uniform() * 2 - 1)
const boxes = () =>
  tf.tensor2d([
    [0.1, 0.2, 0.7, 0.9],
    [-0.2, 0.3, 0.5, 1.2],
    [0, 0, 1, 1],
    [0.5, 0.5, 0.5, 0.5],
    [0.8, 0.9, 0.1, 0.2],
  ])
const images = () => tf.tensor1d([0, 1, 1, 0, 1], "int32")

type Pair = [number, number]

function lossOf(map: tf.Tensor, seeds: tf.Tensor4D, size: Pair, points: Pair = [1, 1]): tf.Scalar {
  return tf.sum(tf.mul(cropAndResize(map as tf.Tensor4D, boxes(), images(), size, points), seeds))
}

await onAwaitedEngines("cropAndResize", (engine) => {
  it("gives the corner cells for the whole map and the middle of a 2x2 map for one sample", async () => {
    const map = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1])
    const whole = tf.tensor2d([[0, 0, 1, 1]])
    const first = tf.tensor1d([0], "int32")
    expect([...(await cropAndResize(map, whole, first, [3, 3]).data())]).toEqual([1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4])
    expect([...(await cropAndResize(map, whole, first, [1, 1]).data())]).toEqual([2.5])
  })

  it("reads 0 outside the map", async () => {
    const map = tf.ones<tf.Rank.R4>([1, 3, 3, 1])
    const crop = cropAndResize(map, tf.tensor2d([[-1, 0, 2, 1]]), tf.tensor1d([0], "int32"), [4, 2])
    expect([...(await crop.data())]).toEqual([0, 0, 1, 1, 1, 1, 0, 0])
  })

  it("cuts each box from the image its index names", async () => {
    const map = tf.tensor4d([1, 2, 3], [3, 1, 1, 1])
    const crop = cropAndResize(map, tf.zeros([2, 4]), tf.tensor1d([2, 0], "int32"), [1, 1])
    expect([...(await crop.data())]).toEqual([3, 1])
  })

  it("gives the means of several samples each", async () => {
    const map = tf.tensor4d(numbers(2 * 4 * 5 * 2), [2, 4, 5, 2])
    const means = cropAndResize(map, boxes(), images(), [4, 3], [2, 3])
    const expected = tf.avgPool(cropAndResize(map, boxes(), images(), [8, 9]), [2, 3], [2, 3], "valid")
    expect(means.shape).toEqual([5, 4, 3, 2])
    expectClose(await means.data(), await expected.data())
  })

  it.each<[Pair, Pair]>([
    [
      [4, 3],
      [1, 1],
    ],
    [
      [1, 1],
      [1, 1],
    ],
    [
      [1, 5],
      [1, 1],
    ],
    [
      [2, 3],
      [3, 1],
    ],
    [
      [3, 2],
      [2, 4],
    ],
  ])("has the gradient that finite differences give, crops of %j with %j points", async (size, points) => {
    const shape: [number, number, number, number] = [2, 4, 5, 2]
    const values = numbers(2 * 4 * 5 * 2)
    const seeds = tf.tensor4d(numbers(5 * size[0] * size[1] * 2), [5, size[0], size[1], 2])
    const gradient = await tf
      .grad((map) => lossOf(map, seeds, size, points))(tf.tensor4d(values, shape))
      .data()
    // The crop is linear in the map: a step of 1 has no error but rounding.
    for (let at = 0; at < values.length; at++) {
      const stepped = async (by: number) => {
        const moved = values.map((value, index) => (index === at ? value + by : value))
        return (await lossOf(tf.tensor4d(moved, shape), seeds, size, points).data())[0]!
      }
      expect(gradient[at]).toBeCloseTo(((await stepped(1)) - (await stepped(-1))) / 2, 4)
    }
  })

  it("has the same gradient through matrix products", async () => {
    const seeds = tf.tensor4d(numbers(5 * 4 * 3 * 2), [5, 4, 3, 2])
    const direct = await tf
      .grad((map) => lossOf(map, seeds, [4, 3]))(tf.zeros([2, 4, 5, 2]))
      .data()
    const products = await cropGradientByProducts(seeds, boxes(), images(), [2, 4, 5, 2]).data()
    for (let at = 0; at < direct.length; at++) expect(products[at]).toBeCloseTo(direct[at]!, 5)
  })

  it("has the same gradient through matrix products of a few boxes at a time, and of a single map", async () => {
    const seeds = tf.tensor4d(numbers(5 * 4 * 3 * 2), [5, 4, 3, 2])
    const only = tf.zeros<tf.Rank.R1>([5], "int32")
    const whole = await cropGradientByProducts(seeds, boxes(), only, [1, 4, 5, 2]).data()
    const inParts = await cropGradientByProducts(seeds, boxes(), only, [1, 4, 5, 2], 2 * 4 * 5 * 2).data()
    const loss = (map: tf.Tensor) => tf.sum(tf.mul(cropAndResize(map as tf.Tensor4D, boxes(), only, [4, 3]), seeds))
    const direct = await tf
      .grad(loss)(tf.zeros([1, 4, 5, 2]))
      .data()
    expectClose(whole, direct)
    expectClose(inParts, direct)
  })

  it("repeats bit for bit, gradient included", async () => {
    const map = tf.tensor4d(numbers(2 * 12 * 12 * 64), [2, 12, 12, 64])
    const many = tf.tile(boxes(), [20, 1]) as tf.Tensor2D
    const whose = tf.tile(images(), [20]) as tf.Tensor1D
    const seeds = tf.tensor4d(numbers(100 * 7 * 7 * 64), [100, 7, 7, 64])
    const gradient = async () =>
      await tf
        .grad((x) => tf.sum(tf.mul(cropAndResize(x as tf.Tensor4D, many, whose, [7, 7]), seeds)))(map)
        .data()
    const first = bytes(await gradient())
    const runs = engine === "webgpu" ? 1 : 5
    for (let run = 0; run < runs; run++) expect(Buffer.compare(bytes(await gradient()), first)).toBe(0)
  })

  // SwiftShader would take minutes for it.
  it.skipIf(engine === "webgpu")("gives the same when there are too many samples to take at once", async () => {
    const map = tf.tensor4d(numbers(2 * 2 * 2 * 4096), [2, 2, 2, 4096])
    const [many, whose] = [tf.tile(boxes(), [6, 1]) as tf.Tensor2D, tf.tile(images(), [6]) as tf.Tensor1D]
    const crop = (at: tf.Tensor2D, own: tf.Tensor1D) => (x: tf.Tensor) =>
      cropAndResize(x as tf.Tensor4D, at, own, [1, 1], [16, 10])
    const [all, few] = [crop(many, whose), crop(boxes(), images())]
    expectClose(await all(map).data(), await tf.tile(few(map), [6, 1, 1, 1]).data())
    expectClose(await tf.grad(all)(map).data(), await tf.mul(tf.grad(few)(map), 6).data())
  })

  it("gives nothing for no boxes, and a zero gradient", async () => {
    const none = tf.tensor2d([], [0, 4])
    const crop = (x: tf.Tensor) => cropAndResize(x as tf.Tensor4D, none, tf.tensor1d([], "int32"), [7, 7])
    const map = tf.ones([1, 3, 3, 2])
    expect(crop(map).shape).toEqual([0, 7, 7, 2])
    expect([
      ...(await tf
        .grad((x) => tf.add(tf.sum(crop(x)), tf.sum(tf.mul(x, 0))))(map)
        .data()),
    ]).toEqual(new Array(18).fill(0))
  })

  it("keeps no tensors, even when its boxes are gone before the gradient runs", () => {
    const map = tf.ones([2, 4, 5, 2])
    const before = tf.memory().numTensors
    const gradient = tf.grad((x) => {
      const [at, whose] = [boxes(), images()]
      const crops = cropAndResize(x as tf.Tensor4D, at, whose, [2, 2])
      tf.dispose([at, whose])
      return tf.sum(crops)
    })(map)
    expect(tf.memory().numTensors).toBe(before + 1)
    gradient.dispose()
  })
})

describe("cropAndResize", () => {
  it("names the argument whose shape is wrong", () => {
    const map = tf.zeros<tf.Rank.R4>([1, 2, 2, 1])
    expect(() => cropAndResize(map, tf.zeros([2, 4]), tf.tensor1d([0], "int32"), [2, 2])).toThrow(
      "cropAndResize(imageIndices): expected a tensor [2], got [1]",
    )
  })
})

function bytes(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
