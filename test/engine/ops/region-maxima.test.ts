import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { countTraffic } from "../../../src/engine/native/traffic.js"
import { arrays } from "../../../src/engine/ops/region-maxima/arrays.js"
import { regionMaxima } from "../../../src/engine/ops/region-maxima/region-maxima.js"
import { tables } from "../../../src/engine/ops/region-maxima/tables.js"
import { onCudaBranch } from "../../support/cuda-branch.js"
import { onAwaitedEngines } from "../../support/engines.js"
import { quickRandom } from "../../support/untrained-detector.js"

// Two regions of two bins a side: on the second map, with a bin beyond it; on the first, with bins that share a row.
const images = Int32Array.of(1, 0)
const bins = { rows: Int32Array.of(0, 2, 2, 4, 0, 2, 1, 3), columns: Int32Array.of(0, 1, 3, 3, 1, 2, 2, 3) }
const shape: [number, number, number, number] = [2, 4, 3, 2]
/** All different, in no order. */
const values = Float32Array.from({ length: 48 }, (_, at) => ((at * 29) % 48) - 30)
const maxima = (map: tf.Tensor) => regionMaxima(map as tf.Tensor4D, images, bins)

await onAwaitedEngines("regionMaxima", () => {
  test("is the largest value of each bin, channel by channel, and 0 of an empty bin", async () => {
    const map = tf.tensor4d(values, shape)
    const found = maxima(map)
    expect(found.shape).toEqual([2, 2, 2, 2])
    const at = (n: number, y: number, x: number, c: number) => values[((n * 4 + y) * 3 + x) * 2 + c]!
    const expected = (region: number, i: number, j: number, c: number) => {
      const [top, bottom] = bins.rows.subarray(4 * region + 2 * i) as unknown as [number, number]
      const [left, right] = bins.columns.subarray(4 * region + 2 * j) as unknown as [number, number]
      const own: number[] = []
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) own.push(at(images[region]!, y, x, c))
      return own.length === 0 ? 0 : Math.max(...own)
    }
    const all = [0, 1].flatMap((r) =>
      [0, 1].flatMap((i) => [0, 1].flatMap((j) => [0, 1].map((c) => expected(r, i, j, c)))),
    )
    expect([...(await found.data())]).toEqual(all)
    expect(all).toContain(0)
  })

  test("has the gradient that finite differences give", async () => {
    const seeds = tf.tensor4d(
      Array.from({ length: 16 }, (_, at) => Math.sin(at + 1)),
      [2, 2, 2, 2],
    )
    const loss = (map: tf.Tensor) => tf.sum(tf.mul(maxima(map), seeds))
    const gradient = await tf.grad(loss)(tf.tensor4d(values, shape)).data()
    // Values are whole numbers apart: a step of a quarter swaps no maximum, and the loss is linear within it.
    for (let at = 0; at < values.length; at++) {
      const stepped = async (by: number) => {
        const moved = values.map((value, index) => (index === at ? value + by : value))
        return (await loss(tf.tensor4d(moved, shape)).data())[0]!
      }
      expect(gradient[at]).toBeCloseTo(((await stepped(0.25)) - (await stepped(-0.25))) / 0.5, 4)
    }
  })

  test("gives the first of equal values the gradient", async () => {
    const one = { rows: Int32Array.of(0, 2), columns: Int32Array.of(0, 2) }
    const of = (map: tf.Tensor) => regionMaxima(map as tf.Tensor4D, Int32Array.of(0), one)
    expect([
      ...(await tf
        .grad(of)(tf.tensor4d([-1, 5, 5, 5], [1, 2, 2, 1]))
        .data()),
    ]).toEqual([0, 1, 0, 0])
  })
})

onCudaBranch("regionMaxima", () => {
  /** Regions of all sizes, some bins without a cell, over maps that are mostly zeros, as behind a ReLU. */
  function madeUp(channels: number) {
    const random = quickRandom(7)
    const shape: [number, number, number, number] = [2, 21, 34, channels]
    const regions = Int32Array.from({ length: 24 }, () => random.integer(2))
    const side = 5
    const axis = (cells: number) =>
      Int32Array.from(
        [...regions].flatMap(() => {
          const [first, length] = [random.integer(cells), 1 + random.integer(cells)]
          return Array.from({ length: side }, (_, bin) => [
            Math.min(cells, first + Math.floor((bin * length) / side)),
            Math.min(cells, first + Math.ceil(((bin + 1) * length) / side)),
          ]).flat()
        }),
      )
    const values = Float32Array.from({ length: 2 * 21 * 34 * channels }, () => Math.max(0, random.integer(40) - 20))
    const dy = Float32Array.from({ length: regions.length * side * side * channels }, random.normal)
    const bins = { rows: axis(21), columns: axis(34) }
    return {
      shape,
      regions,
      bins,
      side,
      map: tf.tensor4d(values, shape),
      dy: tf.tensor(dy, [24, side, side, channels]),
    }
  }

  test("is what plain arrays make of it, and so is the gradient, bit for bit and for equal values too", () => {
    const { shape, regions, bins, map, dy } = madeUp(3)
    const [own, plain] = [tables, arrays].map(({ forward, gradient }) => {
      const { values, saved } = forward(map, regions, bins)
      const given = { shape, images: regions, bins }
      return { values: values.dataSync(), gradient: gradient(dy as tf.Tensor4D, saved, given).dataSync() }
    }) as [{ values: Float32Array; gradient: Float32Array }, { values: Float32Array; gradient: Float32Array }]
    expect(own).toEqual(plain)
    const empty = bins.rows.filter((cell, at) => at % 2 === 0 && cell === bins.rows[at + 1]).length
    expect(empty).toBeGreaterThan(0)
    expect(own.gradient.some((value) => value !== 0)).toBe(true)
  })

  test("reads nothing, and leaves no tensor behind", async () => {
    const { regions, bins, map, dy } = madeUp(2)
    const before = tf.memory().numTensors
    const pool = (x: tf.Tensor) => regionMaxima(x as tf.Tensor4D, regions, bins)
    const { traffic } = await countTraffic(() => tf.grad(pool)(map, dy).dispose())
    expect(traffic.read).toEqual([])
    expect(tf.memory().numTensors).toBe(before)
  })
})
