import { expect, test } from "vitest"
import { decodePredictions, filterByScore, joinPredictions } from "../../src/roi/predictions.js"

const regions = Float32Array.of(0, 0, 10, 10, 20, 20, 40, 40)
const logits = Float32Array.from([0, Math.log(3), 0, Math.log(2)])
// Region 1, label 1: half a width to the right (a delta of 10 is one width).
const deltas = Float32Array.from({ length: 16 }, (_, at) => (at === 12 ? 5 : 0))
const said = decodePredictions(regions, logits, deltas)

test("logits become scores, deltas a box for each label", () => {
  expect(said.numLabels).toBe(2)
  expect([...said.scores].map((score) => score.toFixed(4))).toEqual(["0.2500", "0.7500", "0.3333", "0.6667"])
  expect([...said.boxes]).toEqual([0, 0, 10, 10, 0, 0, 10, 10, 20, 20, 40, 40, 30, 20, 50, 40])
})

test("candidates are what is scored above the threshold, cut to the image, without the background", () => {
  const found = filterByScore(said, [30, 45], { score: 0.5, minSide: 0.01 })
  expect([...found.boxes]).toEqual([0, 0, 10, 10, 30, 20, 45, 30])
  expect([...found.labels]).toEqual([1, 1])
  expect(filterByScore(said, [30, 45], { score: 0.7, minSide: 0.01 }).scores).toHaveLength(1)
  expect([...filterByScore(said, [30, 45], { score: 0.2, minSide: 0.01 }).labels]).toEqual([1, 1])
})

test("what is cut to less than the smallest side is left out", () => {
  expect(filterByScore(said, [100, 30], { score: 0.5, minSide: 0.01 }).scores).toHaveLength(1)
  expect(filterByScore(said, [100, 100], { score: 0.5, minSide: 15 }).scores).toHaveLength(1)
})

test("two rounds are joined region by region; no regions say nothing", () => {
  const both = joinPredictions(said, said)
  expect(filterByScore(both, [100, 100], { score: 0.5, minSide: 0 }).scores).toHaveLength(4)
  const none = decodePredictions(new Float32Array(0), new Float32Array(0), new Float32Array(0))
  expect(filterByScore(none, [100, 100], { score: 0, minSide: 0 }).scores).toHaveLength(0)
  expect(joinPredictions(none, said)).toEqual(said)
  expect(joinPredictions(said, none)).toEqual(said)
})
