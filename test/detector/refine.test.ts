import { expect, test } from "vitest"
import { refineBoxes } from "../../src/detector/refine.js"
import { joinPredictions } from "../../src/roi/predictions.js"
import { madeUpPredictor, ofOneClass } from "../support/made-up-predictor.js"

test("the boxes of the first look are looked at again, and both looks count", async () => {
  const { predictor, asked } = madeUpPredictor([], 0.75, 1)
  const predictions = ofOneClass([0.5, 0.25], [10, 10, 20, 20, 30, 30, 50, 50])
  const both = await refineBoxes(predictor, predictions, [100, 100], 0.01)
  expect(asked).toEqual([[10, 10, 20, 20, 30, 30, 50, 50]])
  expect(both).toEqual(joinPredictions(predictions, ofOneClass([0.75, 0.75], [11, 10, 21, 20, 31, 30, 51, 50])))
})

test("of a region's boxes that of its likeliest class is taken, however sure the background is", async () => {
  const { predictor, asked } = madeUpPredictor([], 0.5)
  const boxes = Float32Array.of(0, 0, 0, 0, 1, 1, 5, 5, 2, 2, 6, 6, 3, 3, 7, 7)
  await refineBoxes(predictor, { numLabels: 4, scores: Float32Array.of(0.7, 0.05, 0.15, 0.1), boxes }, [100, 100], 0.01)
  expect(asked).toEqual([[2, 2, 6, 6]])
})

test("boxes are cut to the photo first, and what is nothing then is not looked at", async () => {
  const { predictor, asked } = madeUpPredictor([], 0.5)
  await refineBoxes(predictor, ofOneClass([0.5, 0.5], [-5, 10, 10, 120, 100, 10, 130, 20]), [100, 100], 0.01)
  expect(asked).toEqual([[0, 10, 10, 100]])
})

test("nothing predictions is nothing refined", async () => {
  const { predictor } = madeUpPredictor([], 0.5)
  expect(await refineBoxes(predictor, ofOneClass([], []), [100, 100], 0.01)).toEqual(ofOneClass([], []))
})
