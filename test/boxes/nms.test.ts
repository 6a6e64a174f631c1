import fc from "fast-check"
import { expect, test } from "vitest"
import { iou } from "../../src/boxes/iou.js"
import { nms } from "../../src/boxes/nms.js"
import { seededRandom } from "../../src/tensor/random.js"

test("the better of two overlapping boxes stays, and the third that touches neither", () => {
  const boxes = Float32Array.of(0, 0, 10, 10, 1, 0, 11, 10, 50, 50, 60, 60)
  expect([...nms(boxes, Float32Array.of(0.5, 0.9, 0.1), { threshold: 0.5 })]).toEqual([1, 2])
})

test("an overlap of exactly the threshold is kept", () => {
  const boxes = Float32Array.of(0, 0, 2, 1, 0, 0, 1, 1)
  expect(iou(boxes, 0, boxes, 1)).toBe(0.5)
  expect([...nms(boxes, Float32Array.of(0.9, 0.8), { threshold: 0.5 })]).toEqual([0, 1])
  expect([...nms(boxes, Float32Array.of(0.9, 0.8), { threshold: 0.49 })]).toEqual([0])
})

test("of equal scores the first box wins", () => {
  const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 10)
  expect([...nms(boxes, Float32Array.of(0.5, 0.5), { threshold: 0.5 })]).toEqual([0])
})

test("no boxes give no boxes, and the limit stops early", () => {
  expect(nms(new Float32Array(0), new Float32Array(0), { threshold: 0.5 })).toHaveLength(0)
  const apart = Float32Array.of(0, 0, 1, 1, 5, 5, 6, 6, 9, 9, 10, 10)
  expect([...nms(apart, Float32Array.of(0.1, 0.2, 0.3), { threshold: 0.5, limit: 2 })]).toEqual([2, 1])
})

test("kept boxes never overlap by more than the threshold, and every dropped one overlaps a better kept one", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), (seed, count) => {
      const random = seededRandom(seed)
      const boxes = new Float32Array(4 * count)
      for (let i = 0; i < count; i++) {
        const x = 50 * random.uniform()
        const y = 50 * random.uniform()
        boxes.set([x, y, x + 1 + 30 * random.uniform(), y + 1 + 30 * random.uniform()], 4 * i)
      }
      const scores = Float32Array.from({ length: count }, () => random.uniform())
      const kept = [...nms(boxes, scores, { threshold: 0.4 })]
      for (const i of kept) for (const j of kept) if (i !== j) expect(iou(boxes, i, boxes, j)).toBeLessThanOrEqual(0.4)
      for (let i = 0; i < count; i++) {
        if (kept.includes(i)) continue
        expect(kept.some((j) => scores[j]! >= scores[i]! && iou(boxes, i, boxes, j) > 0.4)).toBe(true)
      }
    }),
  )
})
