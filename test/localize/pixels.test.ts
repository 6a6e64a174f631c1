import { expect, test } from "vitest"
import { inputSize } from "../../datasets/image/size.js"
import { cropPixels, warpPixels, wholePixelBox } from "../../src/localize/pixels.js"

const plain = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] } as const
/** Every pixel tells its place: red is the column, green the row. */
const image = {
  pixels: Uint8Array.from({ length: 6 * 8 * 3 }, (_, i) => [Math.floor(i / 3) % 8, Math.floor(i / 24), 0][i % 3]!),
  height: 6,
  width: 8,
}
const size = inputSize(6, 8, { size: 6, maxSize: 100 })

test("a crop holds the pixels of its place, mirrored where it says so", () => {
  const places = (flip: boolean) => {
    const out = new Float32Array(12)
    cropPixels(image, { size, top: 3, left: 5, side: 2, flip }, plain, out, 0)
    return [...out]
  }
  expect(places(false)).toEqual([5, 3, 0, 6, 3, 0, 5, 4, 0, 6, 4, 0])
  expect(places(true)).toEqual([6, 3, 0, 5, 3, 0, 6, 4, 0, 5, 4, 0])
})

test("a region is cut out and warped to a square, and stands where it should", () => {
  const out = new Float32Array(24).fill(-1)
  warpPixels(image, Float32Array.of(2, 1, 4, 2), { side: 2, flip: false }, plain, out, 12)
  expect([...out.subarray(0, 12)]).toEqual(new Array(12).fill(-1))
  expect([...out.subarray(12)]).toEqual([2, 1, 0, 3, 1, 0, 2, 1, 0, 3, 1, 0])
})

test("a box grows to whole pixels, stays inside the image and is never empty", () => {
  expect([...wholePixelBox([1.2, 2.9, 3.1, 3.5], image)]).toEqual([1, 2, 4, 4])
  expect([...wholePixelBox([-3, -1, 20, 20], image)]).toEqual([0, 0, 8, 6])
  expect([...wholePixelBox([8, 6, 8, 6], image)]).toEqual([7, 5, 8, 6])
})
