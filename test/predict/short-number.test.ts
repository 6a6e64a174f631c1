import fc from "fast-check"
import { expect, test } from "vitest"
import { shortNumber } from "../../src/predict/short-number.js"

test("a float32 is written as the decimal it came from", () => {
  expect([0.98, 0.1, 123.456, 0, -2.5, 1e-7].map((x) => shortNumber(Math.fround(x)))).toEqual([
    0.98, 0.1, 123.456, 0, -2.5, 1e-7,
  ])
})

test("a short number is the same float32 again", () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
      expect(Math.fround(shortNumber(x)) === x).toBe(true)
    }),
  )
})
