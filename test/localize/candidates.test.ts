import { expect, test } from "vitest"
import { joinScoredBoxes, pickBox, pickDefaults, scoreBoxes, thinBoxes } from "../../src/localize/candidates.js"
import { localizeOptions } from "../../src/localize/localizer.js"

const anchors = Float32Array.of(0, 0, 10, 10, 20, 20, 40, 40, 50, 50, 90, 90)

test("the best anchors come first, moved by their deltas and cut to the image", () => {
  const deltas = Float32Array.of(0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0)
  const { boxes, scores } = scoreBoxes(anchors, Float32Array.of(-1, 2, 0), deltas, [80, 100], 2)
  expect([...boxes]).toEqual([30, 20, 50, 40, 50, 50, 90, 80])
  expect(scores[0]).toBeCloseTo(0.880797, 6)
  expect(scores[1]).toBe(0.5)
})

test("a box that lies outside the image is left out with its score", () => {
  const { boxes, scores } = scoreBoxes(anchors, Float32Array.of(0, 1, 2), new Float32Array(12), [45, 100], 3)
  expect([...boxes]).toEqual([20, 20, 40, 40, 0, 0, 10, 10])
  expect(scores.length).toBe(2)
})

test("thinning keeps the better of two that overlap, and stops at the limit", () => {
  const boxes = Float32Array.of(0, 0, 10, 9, 0, 0, 10, 10, 50, 50, 60, 60, 70, 70, 80, 80)
  const scored = { boxes, scores: Float32Array.of(0.6, 0.7, 0.5, 0.4) }
  const thin = thinBoxes(scored, { limit: 2, nmsThreshold: 0.7 })
  expect([...thin.boxes]).toEqual([0, 0, 10, 10, 50, 50, 60, 60])
  expect([...thin.scores]).toEqual([...Float32Array.of(0.7, 0.5)])
})

const views = joinScoredBoxes([
  { boxes: Float32Array.of(0, 0, 10, 10), scores: Float32Array.of(0.75) },
  { boxes: Float32Array.of(0, 0, 14, 10, 50, 50, 60, 60), scores: Float32Array.of(0.25, 0.7) },
])

test("the best-scored box of all views is the class's", () => {
  expect(pickBox(views, pickDefaults)).toEqual({ box: Float32Array.of(0, 0, 10, 10), score: 0.75 })
})

test("a vote is the mean of the boxes around the best one, weighted by their scores", () => {
  const vote = pickBox(views, { ...pickDefaults, merge: "vote" })
  expect(vote).toEqual({ box: Float32Array.of(0, 0, 11, 10), score: 0.75 })
})

test("a class without boxes has none", () => {
  expect(pickBox(joinScoredBoxes([]), pickDefaults)).toBeUndefined()
})

test("an unknown way of merging is told", () => {
  expect(() => localizeOptions({ merge: "mean" as "vote" })).toThrow(
    'localizeOptions: expected merge to be best or vote, got "mean"',
  )
})
