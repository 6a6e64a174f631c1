import { expect, test } from "vitest"
import { cropDetection } from "../../src/predict/crop.js"

/** A 4 x 3 photo whose pixel (x, y) is (x, y, 7). */
const photo = {
  width: 4,
  height: 3,
  data: Uint8Array.from(Array.from({ length: 12 }, (_, i) => [i % 4, Math.floor(i / 4), 7]).flat()),
}

test("a crop holds the box's pixels", () => {
  expect(cropDetection(photo, [1, 1, 3, 2])).toEqual({ width: 2, height: 1, data: Uint8Array.of(1, 1, 7, 2, 1, 7) })
})

test("a box between pixels is rounded outwards", () => {
  expect(cropDetection(photo, [1.9, 1.9, 2.1, 2.1])).toMatchObject({ width: 2, height: 2 })
})

test("a box beyond the photo is cut to it", () => {
  expect(cropDetection(photo, [-5, -5, 99, 99])).toEqual(photo)
})

test("a box outside, and one without area, give nothing", () => {
  expect(cropDetection(photo, [4, 0, 8, 3])).toBeUndefined()
  expect(cropDetection(photo, [1, 1, 1, 2])).toBeUndefined()
})
