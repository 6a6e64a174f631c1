import { expect } from "vitest"

/** Asserts that every value of `actual` is within `tolerance` times the largest expected value of its expected one. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length)
  const scale = Array.from(expected).reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-6)
  let worst = 0
  for (let at = 0; at < expected.length; at++) {
    const error = Math.abs(actual[at]! - expected[at]!) / scale
    if (!(error <= worst)) worst = error
  }
  expect(worst).toBeLessThanOrEqual(tolerance)
}
