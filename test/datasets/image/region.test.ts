import { expect, test } from "vitest"
import { cropImage, wholePixelBox } from "../../../datasets/image/region.js"

test("a crop is the pixels inside its box, never empty", () => {
  const image = { data: Uint8Array.from({ length: 48 }, (_, i) => i), height: 4, width: 4 }
  expect(cropImage(image, [1.2, 2, 2.8, 4])).toEqual({
    data: Uint8Array.from([27, 28, 29, 30, 31, 32, 39, 40, 41, 42, 43, 44]),
    height: 2,
    width: 2,
  })
  expect(cropImage(image, [9, 9, 9, 9])).toMatchObject({ height: 1, width: 1 })
})

test("a box grows to whole pixels, stays inside the image and is never empty", () => {
  const size = { height: 6, width: 8 }
  expect([...wholePixelBox([1.2, 2.9, 3.1, 3.5], size)]).toEqual([1, 2, 4, 4])
  expect([...wholePixelBox([-3, -1, 20, 20], size)]).toEqual([0, 0, 8, 6])
  expect([...wholePixelBox([8, 6, 8, 6], size)]).toEqual([7, 5, 8, 6])
})
