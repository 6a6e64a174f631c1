import { expect, test } from "vitest"
import { compareDetections } from "../../src/predict/compare-detectors.js"

const bounds = { score: 0.05, maxDetections: 3 }
const list = (...found: readonly (readonly [label: number, score: number, ...box: number[]])[]) => ({
  labels: Int32Array.from(found, ([label]) => label),
  scores: Float32Array.from(found, ([, score]) => score),
  boxes: Float32Array.from(found.flatMap(([, , ...box]) => box)),
})

test("the same detections agree, by how much they differ", () => {
  const first = list([1, 0.75, 0, 0, 100, 100], [2, 0.5, 0, 0, 50, 50])
  const second = list([1, 0.75, 0, 0, 100, 101], [2, 0.625, 0, 0, 50, 50])
  expect(compareDetections(first, second, bounds)).toEqual({ same: 2, alone: 0, score: 0.125, edge: 1 })
})

test.each([
  ["another label", list([2, 0.75, 0, 0, 100, 100])],
  ["another place", list([1, 0.75, 10, 0, 110, 100])],
])("%s is another detection", (_, second) => {
  const first = list([1, 0.75, 0, 0, 100, 100])
  expect(compareDetections(first, second, bounds)).toEqual({ same: 0, alone: 2, score: 0, edge: 0 })
})

test("what only one of them has counts, whichever it is", () => {
  const one = list([1, 0.75, 0, 0, 100, 100])
  expect(compareDetections(one, list(), bounds)).toMatchObject({ same: 0, alone: 1 })
  expect(compareDetections(list(), one, bounds)).toMatchObject({ same: 0, alone: 1 })
})

test("what rounding may push over the edge does not count", () => {
  const boundary = list([1, 0.0505, 0, 0, 9, 9])
  expect(compareDetections(boundary, list(), bounds).alone).toBe(0)
  const full = list([1, 0.9, 0, 0, 9, 9], [1, 0.8, 20, 0, 29, 9], [1, 0.7, 40, 0, 49, 9])
  const others = list([1, 0.9, 0, 0, 9, 9], [1, 0.8, 20, 0, 29, 9], [1, 0.7, 60, 0, 69, 9])
  expect(compareDetections(full, others, bounds)).toMatchObject({ same: 2, alone: 0 })
})
