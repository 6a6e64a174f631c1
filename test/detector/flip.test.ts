import fc from "fast-check"
import { expect, test } from "vitest"
import { mirrorBoxes, mirrorPasses } from "../../src/detector/flip.js"
import { madeUpPasses, ofOneClass } from "../support/passes.js"

test("a box keeps its size and lies as far from the other side", () => {
  expect([...mirrorBoxes(Float32Array.of(10, 5, 30, 25, 0, 0, 100, 50), 100)]).toEqual([70, 5, 90, 25, 0, 0, 100, 50])
  expect(mirrorBoxes(new Float32Array(0), 100)).toHaveLength(0)
})

test("mirrored twice a box is where it was", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(90), fc.nat(90), fc.nat(9), fc.nat(9))), (corners) => {
      const boxes = Float32Array.from(corners.flatMap(([x, y, w, h]) => [x, y, x + w, y + h]))
      expect(mirrorBoxes(mirrorBoxes(boxes, 100), 100)).toEqual(boxes)
    }),
  )
})

test("regions go to the mirror image, boxes come back: what moves right there moves left here", () => {
  const { passes, asked } = madeUpPasses([10, 0, 20, 10], 0.5, 3)
  const back = mirrorPasses(passes, 100)
  expect([...back.propose()]).toEqual([80, 0, 90, 10])
  const said = back.predict(Float32Array.of(80, 0, 90, 10))
  expect(asked).toEqual([[10, 0, 20, 10]])
  expect(said.scores).toEqual(ofOneClass([0.5], []).scores)
  expect([...said.boxes.subarray(4)]).toEqual([77, 0, 87, 10])
})
