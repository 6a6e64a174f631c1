import fc from "fast-check"
import { expect, test } from "vitest"
import { iou } from "../../src/boxes/iou.js"
import { nms } from "../../src/boxes/nms.js"
import { seededRandom } from "../../src/core/random.js"

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

test.each([
  [
    "of all sizes, empty ones too",
    fc.oneof(fc.constantFrom(0, -1, 1e-4), fc.double({ min: 0.01, max: 1e5, noNaN: true })),
  ],
  ["of about one size", fc.double({ min: 20, max: 40, noNaN: true })],
])("boxes %s are thinned as by looking at every pair", (_, side) => {
  const place = fc.double({ min: -50, max: 50, noNaN: true })
  const drawn = fc.array(fc.tuple(place, place, side, side, fc.double({ min: -0.4, max: 0.4, noNaN: true })), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(drawn, fc.double({ min: 0, max: 1, noNaN: true }), (all, threshold) => {
      // With each box another of nearly its size, moved a little.
      const boxes = Float32Array.from(
        all.flatMap(([x, y, w, h, by]) => [x, y, x + w, y + h, x + by * w, y, x + (by + 0.95) * w, y + 0.95 * h]),
      )
      const scores = Float32Array.from({ length: boxes.length / 4 }, (_, i) => ((i * 7) % 11) / 11)
      const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b)
      const kept: number[] = []
      for (const i of order) if (!kept.some((j) => iou(boxes, i, boxes, j) > threshold)) kept.push(i)
      expect([...nms(boxes, scores, { threshold })]).toEqual(kept)
    }),
    { numRuns: 300 },
  )
})
