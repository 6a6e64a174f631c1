import { expect, test } from "vitest"
import { learningRate, scheduleOptions } from "../../src/train/schedule.js"

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

test("a rate of zero is refused", () => {
  expect(() => scheduleOptions({ base: 0 })).toThrow("expected base to be a number above 0, got 0")
})
