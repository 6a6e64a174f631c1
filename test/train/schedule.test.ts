import { expect, test } from "vitest"
import {
  afterStep,
  afterValidation,
  learningRate,
  needsFeedback,
  scheduleDefaults,
  scheduleOptions,
  scheduleStart,
} from "../../src/train/schedule.js"

test("the rate climbs over the warm-up from a thousandth to the base", () => {
  const options = scheduleOptions({ base: 1, steps: 1200, warmup: 100 })
  expect(learningRate(0, options)).toBeCloseTo(0.001, 12)
  expect(learningRate(50, options)).toBeCloseTo(0.5005, 12)
  expect(learningRate(100, options)).toBe(1)
})

test("steps fall to a tenth after 8 and 11 of 12 epochs", () => {
  const options = scheduleOptions({ base: 1, steps: 1200, warmup: 0 })
  expect([799, 800, 1099, 1100].map((step) => learningRate(step, options))).toEqual([1, 0.1, 0.1, 0.1 ** 2])
})

test("the cosine begins at the base, is half of it halfway, and ends near 0", () => {
  const options = scheduleOptions({ base: 2, steps: 100, warmup: 0, shape: "cosine" })
  expect(learningRate(0, options)).toBe(2)
  expect(learningRate(50, options)).toBeCloseTo(1, 12)
  expect(learningRate(99, options)).toBeLessThan(0.001)
})

test("the line begins at the base, is half of it halfway, and its last step is the smallest above 0", () => {
  const options = scheduleOptions({ base: 2, steps: 100, warmup: 10, shape: "linear" })
  expect(learningRate(50, options)).toBeCloseTo(1, 12)
  expect(learningRate(99, options)).toBeCloseTo(0.02, 12)
  expect(learningRate(0, options)).toBeCloseTo(0.002, 12)
})

test("a rate of zero is refused", () => {
  expect(() => scheduleOptions({ base: 0 })).toThrow("expected base to be a number above 0, got 0")
})

test("a schedule that waits keeps its start rate until the running error is low enough, and never goes back", () => {
  const options = scheduleOptions({ base: 0.1, startRate: 0.01, startError: 0.5, warmup: 0, steps: 1000 })
  let state = scheduleStart
  const rates: number[] = []
  for (let step = 0; step < 40; step++) {
    rates.push(learningRate(step, options, state))
    state = afterStep(state, options, 0)
  }
  // The running error is 0.98 ^ n: below a half from the 35th step on.
  expect(rates.slice(0, 35)).toEqual(new Array(35).fill(0.01))
  expect(rates.slice(35)).toEqual(new Array(5).fill(0.1))
  expect(learningRate(40, options, afterStep(state, options, 1))).toBe(0.1)
})

test("a plateau drops the rate when validation has been no better for as often as its patience", () => {
  const options = scheduleOptions({ base: 1, shape: "plateau", patience: 2, warmup: 0, steps: 100 })
  let state = scheduleStart
  const rates = [0.5, 0.6, 0.6, 0.55, 0.61, 0.1, 0.61].map((value) => {
    state = afterValidation(state, options, value)
    return learningRate(99, options, state)
  })
  expect(rates).toEqual([1, 1, 1, 0.1, 0.1, 0.1, 0.1 ** 2])
})

test("a validation without a figure is no better, and the state can be saved: NaN is null in JSON", () => {
  const options = scheduleOptions({ base: 1, shape: "plateau", patience: 3, warmup: 0, steps: 100 })
  const first = afterValidation(scheduleStart, options, Number.NaN)
  expect(first).toMatchObject({ best: null, waited: 1 })
  expect(afterValidation(first, options, 0.5)).toMatchObject({ best: 0.5, waited: 0 })
})

test("a schedule needs feedback when it drops on plateaus or waits for the training error", () => {
  expect(needsFeedback(scheduleDefaults)).toBe(false)
  expect(needsFeedback({ ...scheduleDefaults, shape: "plateau" })).toBe(true)
  expect(needsFeedback({ ...scheduleDefaults, startRate: 0.01 })).toBe(true)
})
