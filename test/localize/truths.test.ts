import { expect, test } from "vitest"
import { classTruths } from "../../src/localize/truths.js"
import { record } from "./made-up-images.js"

test("objects are sorted class by class; crowds and difficult ones are only no background", () => {
  const boxes = [0, 0, 1, 1, 0, 0, 2, 2, 0, 0, 3, 3, 0, 0, 4, 4, 0, 0, 5, 5]
  const image = record("a.jpg", 10, 10, boxes, [5, 2, 5, 2, 1], { crowd: [0, 0, 0, 1, 0], difficult: [0, 0, 1, 0, 1] })
  expect(classTruths(image)).toEqual([
    { label: 2, boxes: Float32Array.of(0, 0, 2, 2), ignored: Float32Array.of(0, 0, 4, 4) },
    { label: 5, boxes: Float32Array.of(0, 0, 1, 1), ignored: Float32Array.of(0, 0, 3, 3) },
  ])
})

test("an image without objects has no classes", () => {
  expect(classTruths(record("a.jpg", 10, 10, [], []))).toEqual([])
})
