import { expect, test } from "vitest"
import { ensemble } from "../../src/detector/ensemble.js"
import { madeUpPasses, ofOneClass } from "../support/passes.js"

const first = madeUpPasses([0, 0, 10, 10], 0.75)
const second = madeUpPasses([20, 20, 30, 30, 40, 40, 60, 60], 0.25, 4)

test("proposals of all members stand behind each other", async () => {
  const { passes } = madeUpPasses([], 0.5)
  const all = ensemble([first.passes, passes, second.passes])
  expect([...(await all.propose())]).toEqual([0, 0, 10, 10, 20, 20, 30, 30, 40, 40, 60, 60])
})

test("every member looks at every region, and the mean of scores and boxes counts", async () => {
  const regions = Float32Array.of(0, 0, 10, 10, 20, 20, 30, 30)
  const said = await ensemble([first.passes, second.passes]).predict(regions)
  expect(said).toEqual(ofOneClass([0.5, 0.5], [2, 0, 12, 10, 22, 20, 32, 30]))
  expect(first.asked.at(-1)).toEqual([...regions])
  expect(second.asked.at(-1)).toEqual([...regions])
})

test("one member is itself, and without regions nothing is said", async () => {
  expect(ensemble([first.passes])).toBe(first.passes)
  const said = await ensemble([first.passes, second.passes]).predict(new Float32Array(0))
  expect(said.scores).toHaveLength(0)
})
