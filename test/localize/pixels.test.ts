import { expect, test } from "vitest"
import { warpPixels } from "../../src/localize/pixels.js"

const plain = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const
/** Every pixel tells its place: red is the column, green the row. */
const image = {
  data: Uint8Array.from({ length: 6 * 8 * 3 }, (_, i) => [Math.floor(i / 3) % 8, Math.floor(i / 24), 0][i % 3]!),
  height: 6,
  width: 8,
}
test("a region is cut out and warped to a square, and stands where it should", () => {
  const out = new Float32Array(24).fill(-1)
  warpPixels(image, Float32Array.of(2, 1, 4, 2), { side: 2, flip: false }, plain, out, 12)
  expect([...out.subarray(0, 12)]).toEqual(new Array(12).fill(-1))
  expect([...out.subarray(12)]).toEqual([2, 1, 0, 3, 1, 0, 2, 1, 0, 3, 1, 0])
})
