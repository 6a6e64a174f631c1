import fc from "fast-check"
import { expect, test } from "vitest"
import { decodeBoxes, encodeBoxes, maxLogScale, roiCoderWeights, rpnCoderWeights } from "../../src/boxes/coder.js"

const box = fc
  .tuple(fc.float({ min: -50, max: 500, noNaN: true }), fc.float({ min: -50, max: 500, noNaN: true }), side(), side())
  .map(([x, y, width, height]) => Float32Array.of(x, y, x + width, y + height))

function side() {
  return fc.float({ min: 2, max: 300, noNaN: true })
}

test("a zero delta leaves the box where it is", () => {
  const reference = Float32Array.of(10, 20, 50, 100)
  expect([...decodeBoxes(new Float32Array(4), reference, rpnCoderWeights)]).toEqual([10, 20, 50, 100])
})

test("a delta moves by shares of the box's size and scales by its exponential", () => {
  const reference = Float32Array.of(0, 0, 10, 20)
  const delta = Float32Array.of(1, 0.5, Math.log(2), 0)
  expect([...decodeBoxes(delta, reference, rpnCoderWeights)]).toEqual([5, 10, 25, 30])
})

test("the RoI head's deltas are 10 times the shift and 5 times the log scale", () => {
  const [dx, dy, dw, dh] = encodeBoxes(Float32Array.of(1, 0, 21, 10), Float32Array.of(0, 0, 10, 10), roiCoderWeights)
  expect(dx).toBeCloseTo(10 * 0.6, 5)
  expect(dy).toBe(0)
  expect(dw).toBeCloseTo(5 * Math.log(2), 5)
  expect(dh).toBe(0)
})

test("decoding undoes encoding", () => {
  fc.assert(
    fc.property(box, box, (truth, reference) => {
      const scale = Math.max(truth[2]! - truth[0]!, truth[3]! - truth[1]!)
      const grows = Math.max(
        (truth[2]! - truth[0]!) / (reference[2]! - reference[0]!),
        (truth[3]! - truth[1]!) / (reference[3]! - reference[1]!),
      )
      fc.pre(Math.log(grows) < maxLogScale)
      const again = decodeBoxes(encodeBoxes(truth, reference, roiCoderWeights), reference, roiCoderWeights)
      for (let c = 0; c < 4; c++) expect(Math.abs(again[c]! - truth[c]!)).toBeLessThan(1e-3 * (1 + scale))
    }),
  )
})

test("no box grows by more than 1000 / 16, whatever the delta says", () => {
  const [x1, , x2] = decodeBoxes(Float32Array.of(0, 0, 50, 0), Float32Array.of(0, 0, 16, 16), rpnCoderWeights)
  expect(x2! - x1!).toBeCloseTo(1000, 2)
})

test("a class's slice is decoded in place", () => {
  const references = Float32Array.of(0, 0, 10, 10, 20, 20, 30, 30)
  const deltas = new Float32Array(2 * 8)
  deltas.set([1, 0, 0, 0], 4)
  deltas.set([0, 1, 0, 0], 12)
  const boxes = decodeBoxes(deltas, references, rpnCoderWeights, { offset: 4, stride: 8 })
  expect([...boxes]).toEqual([10, 0, 20, 10, 20, 30, 30, 40])
})
