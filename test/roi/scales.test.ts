import fc from "fast-check"
import { expect, test } from "vitest"
import { nearestScales } from "../../src/roi/scales.js"

const times = (...factors: readonly number[]) => factors.map((scale) => ({ scaleX: scale, scaleY: scale }))
const square = (side: number) => Float32Array.of(0, 0, side, side)

test("the nearest scale comes first, then the next nearest", () => {
  // 112 square becomes 56, 112, 224, 448: areas 47040, 37632, 0, 150528 away from 224 x 224.
  const { first, second } = nearestScales(square(112), times(0.5, 1, 2, 4))
  expect([...first, ...second]).toEqual([2, 1])
})

test("it is the area that counts, not the longer side", () => {
  const long = Float32Array.of(0, 0, 448, 112)
  const { first, second } = nearestScales(long, times(0.5, 1, 2))
  expect([...first, ...second]).toEqual([1, 0])
})

test("both directions' scales count", () => {
  const scales = [
    { scaleX: 2, scaleY: 0.5 },
    { scaleX: 2, scaleY: 2 },
  ]
  expect([...nearestScales(square(224), scales).first]).toEqual([0])
})

test("a small region takes the two largest scales, a large one the two smallest", () => {
  const both = nearestScales(Float32Array.of(0, 0, 8, 8, 0, 0, 2000, 2000), times(1, 2, 3, 4))
  expect([...both.first]).toEqual([3, 0])
  expect([...both.second]).toEqual([2, 1])
})

test("of equally near ones the earlier scale is taken; no regions give no scales", () => {
  const { first, second } = nearestScales(square(50), times(1, 1))
  expect([...first, ...second]).toEqual([0, 1])
  expect(nearestScales(new Float32Array(0), times(1, 2)).first).toHaveLength(0)
})

test("of rising scales two neighbours are taken", () => {
  const rising = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 6 })
  fc.assert(
    fc.property(rising, fc.integer({ min: 1, max: 1000 }), (tenths, side) => {
      const scales = times(...tenths.sort((a, b) => a - b).map((tenth) => tenth / 10))
      const { first, second } = nearestScales(square(side), scales)
      expect(Math.abs(first[0]! - second[0]!)).toBe(1)
    }),
  )
})
