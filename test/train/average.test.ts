import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { constant } from "../../src/core/initializers.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { WeightAverage } from "../../src/train/average.js"

beforeAll(async () => {
  await startEngine()
})

function weight() {
  const parameters = new Parameters(seededRandom(1))
  const variable = parameters.create("weight", "linear", [1, 2], constant(1))
  return { parameters, variable, set: (value: number) => tf.tidy(() => variable.assign(tf.fill([1, 2], value))) }
}

const of = (average: WeightAverage) => average.means.get("weight")!.dataSync()[0]!

test("the mean follows by 1 - decay (1 - exp(-step / ramp)), worked out by hand", () => {
  const { parameters, set } = weight()
  const average = new WeightAverage(parameters.trainable(), { decay: 0.5, ramp: 1 / Math.LN2 })
  set(2)
  average.follow(1)
  // d = 0.5 * (1 - 1/2) = 1/4
  expect(of(average)).toBeCloseTo(0.25 * 1 + 0.75 * 2, 6)
  set(4)
  average.follow(2)
  // d = 0.5 * (1 - 1/4) = 3/8
  expect(of(average)).toBeCloseTo(0.375 * 1.75 + 0.625 * 4, 6)
})

test("weights that do not move are their own mean, to the last bit", () => {
  const { parameters, set } = weight()
  set(0.1)
  const average = new WeightAverage(parameters.trainable(), { decay: 0.9999, ramp: 7 })
  for (let step = 1; step <= 20; step++) average.follow(step)
  expect(of(average)).toBe(Math.fround(0.1))
})

test("during work the means stand in the model, and afterwards the weights again, whatever went wrong", async () => {
  const { parameters, variable, set } = weight()
  const before = tf.memory().numTensors
  const average = new WeightAverage(parameters.trainable(), { decay: 0.9, ramp: 1 })
  set(5)
  expect(await average.during(() => variable.dataSync()[0])).toBe(1)
  expect([variable.dataSync()[0], of(average)]).toEqual([5, 1])
  const work = average.during(async () => {
    throw new Error(`at ${variable.dataSync()[0]}`)
  })
  await expect(work).rejects.toThrow("at 1")
  expect([variable.dataSync()[0], of(average)]).toEqual([5, 1])
  average.dispose()
  expect(tf.memory().numTensors).toBe(before)
})

test("means of another model are refused", () => {
  const average = new WeightAverage(weight().parameters.trainable(), { decay: 0.9, ramp: 1 })
  expect(() => average.restore(new Map([["weight", new Float32Array(3)]]))).toThrow(
    'expected 2 values for "weight", got 3',
  )
  average.restore(new Map([["weight", Float32Array.of(7, 8)]]))
  expect(of(average)).toBe(7)
})
