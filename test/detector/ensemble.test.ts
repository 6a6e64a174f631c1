import { expect, test } from "vitest"
import { ensemble } from "../../src/detector/ensemble.js"
import { madeUpPredictor, ofOneClass } from "../support/made-up-predictor.js"

const first = madeUpPredictor([0, 0, 10, 10], 0.75)
const second = madeUpPredictor([20, 20, 30, 30, 40, 40, 60, 60], 0.25, 4)

test("proposals of all members stand behind each other", async () => {
  const { predictor } = madeUpPredictor([], 0.5)
  const all = ensemble([first.predictor, predictor, second.predictor])
  expect([...(await all.propose())]).toEqual([0, 0, 10, 10, 20, 20, 30, 30, 40, 40, 60, 60])
})

test("every member looks at every region, and the mean of scores and boxes counts", async () => {
  const regions = Float32Array.of(0, 0, 10, 10, 20, 20, 30, 30)
  const predictions = await ensemble([first.predictor, second.predictor]).predict(regions)
  expect(predictions).toEqual(ofOneClass([0.5, 0.5], [2, 0, 12, 10, 22, 20, 32, 30]))
  expect(first.asked.at(-1)).toEqual([...regions])
  expect(second.asked.at(-1)).toEqual([...regions])
})

test("one member is itself, and without regions nothing is predictions", async () => {
  expect(ensemble([first.predictor])).toBe(first.predictor)
  const predictions = await ensemble([first.predictor, second.predictor]).predict(new Float32Array(0))
  expect(predictions.scores).toHaveLength(0)
})
