import fc from "fast-check"
import { expect, test } from "vitest"
import { mirrorBack } from "../../src/detector/flip.js"

const found = (...boxes: readonly number[]) => ({
  boxes: Float32Array.from(boxes),
  scores: new Float32Array(boxes.length / 4).fill(0.5),
  labels: new Int32Array(boxes.length / 4).fill(1),
})

test("a box keeps its size, score and label, and lies as far from the other side", () => {
  expect(mirrorBack(found(10, 5, 30, 25, 0, 0, 100, 50), 100)).toEqual(found(70, 5, 90, 25, 0, 0, 100, 50))
  expect(mirrorBack(found(), 100)).toEqual(found())
})

test("mirrored twice a box is where it was", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(90), fc.nat(90), fc.nat(9), fc.nat(9))), (corners) => {
      const all = found(...corners.flatMap(([x, y, w, h]) => [x, y, x + w, y + h]))
      expect(mirrorBack(mirrorBack(all, 100), 100)).toEqual(all)
    }),
  )
})
