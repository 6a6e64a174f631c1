import fc from "fast-check"
import { expect, test } from "vitest"
import { orderByScore } from "../../src/boxes/order.js"

test("scores come best first, equals in their own order, zero and minus zero as equals, NaN last", () => {
  const scores = Float32Array.of(-1, 0, 2, -0, 2, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  expect([...orderByScore(scores)]).toEqual([7, 2, 4, 1, 3, 0, 6, 5])
})

test("the order is that of a stable sort", () => {
  fc.assert(
    fc.property(fc.float32Array({ noNaN: true }), (scores) => {
      const plain = Array.from(scores, (_, i) => i).sort((a, b) => {
        return scores[a]! === scores[b]! ? a - b : scores[b]! - scores[a]!
      })
      expect([...orderByScore(scores)]).toEqual(plain)
    }),
  )
})

test("the limit keeps the best", () => {
  fc.assert(
    fc.property(
      fc.float32Array({ minLength: 20, maxLength: 200 }),
      fc.integer({ min: 0, max: 40 }),
      (scores, limit) => {
        expect([...orderByScore(scores, limit)]).toEqual([...orderByScore(scores)].slice(0, limit))
      },
    ),
  )
  expect([...orderByScore(Float32Array.of(0.1, 0.9, 0.5), 2)]).toEqual([1, 2])
})

test("more scores than an index fits are refused", () => {
  expect(() => orderByScore(new Float32Array(2 ** 21 + 1))).toThrow("expected at most 2097152 scores, got 2097153")
})
