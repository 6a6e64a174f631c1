import { expect, test } from "vitest"
import { bestDetections, joinDetections, takeDetections } from "../../src/boxes/detections.js"

const a = { boxes: Float32Array.of(0, 0, 1, 1), scores: Float32Array.of(0.5), labels: Int32Array.of(1) }
const b = {
  boxes: Float32Array.of(0, 0, 2, 2, 0, 0, 3, 3),
  scores: Float32Array.of(0.75, 0.5),
  labels: Int32Array.of(2, 3),
}

test("lists are joined in their order, and the best come first, of equals the earlier", () => {
  const joined = joinDetections([a, b])
  expect([...joined.labels]).toEqual([1, 2, 3])
  expect(bestDetections(joined, 3)).toEqual(takeDetections(joined, [1, 0, 2]))
  expect([...bestDetections(joined, 1).boxes]).toEqual([0, 0, 2, 2])
})

test("nothing joined is nothing", () => {
  expect(bestDetections(joinDetections([]), 5).scores).toHaveLength(0)
})
