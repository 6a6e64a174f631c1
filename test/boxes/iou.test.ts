import { expect, test } from "vitest"
import { clipBoxes } from "../../src/boxes/clip.js"
import { boxArea, intersectionOverArea, iou } from "../../src/boxes/iou.js"

const boxes = Float32Array.of(0, 0, 10, 10, 5, 5, 15, 15, 20, 20, 30, 30, 3, 3, 3, 8)

test("a box overlaps itself fully, another by the shared part, a distant or empty one not at all", () => {
  expect(iou(boxes, 0, boxes, 0)).toBe(1)
  expect(iou(boxes, 0, boxes, 1)).toBe(25 / 175)
  expect(iou(boxes, 1, boxes, 0)).toBe(25 / 175)
  expect(iou(boxes, 0, boxes, 2)).toBe(0)
  expect(iou(boxes, 0, boxes, 3)).toBe(0)
  expect(iou(boxes, 3, boxes, 3)).toBe(0)
})

test("a box that is inside out has no area", () => {
  expect(boxArea(Float32Array.of(10, 10, 0, 0), 0)).toBe(0)
})

test("the covered share is that of the box's own area, by the region that covers most", () => {
  expect(intersectionOverArea(Float32Array.of(0, 0, 10, 10), 0, Float32Array.of(0, 0, 2, 10, 4, 0, 100, 100))).toBe(0.6)
  expect(intersectionOverArea(Float32Array.of(0, 0, 10, 10), 0, new Float32Array(0))).toBe(0)
})

test("clipping cuts at the image's border and leaves what is inside", () => {
  const cut = Float32Array.of(-5, 2, 700, 300)
  clipBoxes(cut, [200, 640])
  expect([...cut]).toEqual([0, 2, 640, 200])
})
