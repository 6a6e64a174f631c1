import { expect, test } from "vitest"
import { lookAgain } from "../../src/detector/refine.js"
import { joinPredictions } from "../../src/roi/predictions.js"
import { madeUpPasses, ofOneClass } from "../support/passes.js"

test("the boxes of the first look are looked at again, and both looks count", async () => {
  const { passes, asked } = madeUpPasses([], 0.75, 1)
  const said = ofOneClass([0.5, 0.25], [10, 10, 20, 20, 30, 30, 50, 50])
  const both = await lookAgain(passes, said, [100, 100], 0.01)
  expect(asked).toEqual([[10, 10, 20, 20, 30, 30, 50, 50]])
  expect(both).toEqual(joinPredictions(said, ofOneClass([0.75, 0.75], [11, 10, 21, 20, 31, 30, 51, 50])))
})

test("of a region's boxes that of its likeliest class is taken, however sure the background is", async () => {
  const { passes, asked } = madeUpPasses([], 0.5)
  const boxes = Float32Array.of(0, 0, 0, 0, 1, 1, 5, 5, 2, 2, 6, 6, 3, 3, 7, 7)
  await lookAgain(passes, { numLabels: 4, scores: Float32Array.of(0.7, 0.05, 0.15, 0.1), boxes }, [100, 100], 0.01)
  expect(asked).toEqual([[2, 2, 6, 6]])
})

test("boxes are cut to the photo first, and what is nothing then is not looked at", async () => {
  const { passes, asked } = madeUpPasses([], 0.5)
  await lookAgain(passes, ofOneClass([0.5, 0.5], [-5, 10, 10, 120, 100, 10, 130, 20]), [100, 100], 0.01)
  expect(asked).toEqual([[0, 10, 10, 100]])
})

test("nothing said is nothing refined", async () => {
  const { passes } = madeUpPasses([], 0.5)
  expect(await lookAgain(passes, ofOneClass([], []), [100, 100], 0.01)).toEqual(ofOneClass([], []))
})
