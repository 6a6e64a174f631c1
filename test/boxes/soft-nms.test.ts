import { readFileSync } from "node:fs"
import fc from "fast-check"
import { expect, test } from "vitest"
import { nms } from "../../src/boxes/nms.js"
import { softNms } from "../../src/boxes/soft-nms.js"
import { seededRandom } from "../../src/core/random.js"
import { expectClose } from "../support/close.js"

// The second overlaps the first with an IoU of 0.5, the third neither.
const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 5, 50, 50, 60, 60)
const scores = Float32Array.of(0.8, 0.6, 0.5)

test("linear: the overlapping box falls by its IoU, behind the one that stands alone", () => {
  const found = softNms(boxes, scores, { decay: "linear", threshold: 0.3 })
  expect([...found.kept]).toEqual([0, 2, 1])
  expectClose(found.scores, [0.8, 0.5, 0.3])
})

test("linear: an IoU up to the threshold costs nothing", () => {
  const found = softNms(boxes, scores, { decay: "linear", threshold: 0.5 })
  expect([...found.kept]).toEqual([0, 1, 2])
  expect(found.scores).toEqual(scores)
})

test("gaussian: the overlapping box falls by exp(-IoU^2 / 0.5), whatever the threshold", () => {
  for (const threshold of [0.1, 0.9]) {
    const found = softNms(boxes, scores, { decay: "gaussian", threshold })
    expect([...found.kept]).toEqual([0, 2, 1])
    expectClose(found.scores, [0.8, 0.5, 0.6 * Math.exp(-0.5)])
  }
})

test("a box that repeats another is gone when its score has sunk below 0.001", () => {
  const twice = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 10)
  expect([...softNms(twice, Float32Array.of(0.8, 0.6), { decay: "linear", threshold: 0.3 }).kept]).toEqual([0])
  expect([...softNms(twice, Float32Array.of(0.8, 0.6), { decay: "gaussian", threshold: 0.3 }).kept]).toEqual([0, 1])
  expect([...softNms(twice, Float32Array.of(0.8, 0.001), { decay: "gaussian", threshold: 0.3 }).kept]).toEqual([0])
})

test("no boxes give none, one box is kept as it is, and the limit stops early", () => {
  const rule = { decay: "linear", threshold: 0.3 } as const
  expect(softNms(new Float32Array(0), new Float32Array(0), rule).kept).toHaveLength(0)
  const one = softNms(boxes.subarray(0, 4), scores.subarray(0, 1), rule)
  expect([[...one.kept], one.scores]).toEqual([[0], scores.subarray(0, 1)])
  expect([...softNms(boxes, scores, { ...rule, limit: 2 }).kept]).toEqual([0, 2])
})

test("the scores handed in stay as they are", () => {
  const own = scores.slice()
  softNms(boxes, own, { decay: "gaussian", threshold: 0.3 })
  expect(own).toEqual(scores)
})

test("scores come in order and never rise; what NMS keeps keeps its score; the order of the boxes does not matter", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 30 }), (seed, count) => {
      const random = seededRandom(seed)
      const own = new Float32Array(4 * count)
      for (let i = 0; i < count; i++) {
        const [x, y] = [40 * random.uniform(), 40 * random.uniform()]
        own.set([x, y, x + 2 + 20 * random.uniform(), y + 2 + 20 * random.uniform()], 4 * i)
      }
      const given = Float32Array.from({ length: count }, () => 0.01 + random.uniform())
      const soft = softNms(own, given, { decay: "linear", threshold: 0.4 })
      soft.scores.forEach((score, k) => {
        expect(score).toBeLessThanOrEqual(given[soft.kept[k]!]!)
        if (k > 0) expect(score).toBeLessThanOrEqual(soft.scores[k - 1]!)
      })
      // The best box is never touched.
      const [best] = nms(own, given, { threshold: 0.4, limit: 1 })
      expect([soft.kept[0], soft.scores[0]]).toEqual([best, given[best!]])
      const last = count - 1
      const turned = Float32Array.from({ length: 4 * count }, (_, at) => own[4 * (last - (at >> 2)) + (at & 3)]!)
      const again = softNms(turned, given.slice().reverse(), { decay: "linear", threshold: 0.4 })
      expectClose(again.scores, soft.scores)
    }),
  )
})

interface Golden {
  readonly boxes: number[]
  readonly scores: number[]
  readonly linear: { readonly kept: number[]; readonly scores: number[] }
  readonly gaussian: { readonly kept: number[]; readonly scores: number[] }
}

test.each(["linear", "gaussian"] as const)("%s equals the formula in numpy", (decay) => {
  const golden = JSON.parse(readFileSync("test/golden/select.json", "utf8")) as Golden
  const found = softNms(Float32Array.from(golden.boxes), Float32Array.from(golden.scores), { decay, threshold: 0.3 })
  expect([...found.kept]).toEqual(golden[decay].kept)
  expectClose(found.scores, golden[decay].scores, 1e-5)
})
