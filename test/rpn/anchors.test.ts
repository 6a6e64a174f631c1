import { expect, test } from "vitest"
import { anchorOptions, cellAnchors, gridAnchors, levelAnchors } from "../../src/rpn/anchors.js"

test("a cell's anchors are torchvision's: ratio by ratio, rounded half-sizes", () => {
  const cell = cellAnchors({ sizes: [32, 64], ratios: [0.5, 1, 2], stride: 16 })
  expect([...cell.subarray(0, 4)]).toEqual([-23, -11, 23, 11])
  expect([...cell.subarray(4, 8)]).toEqual([-45, -23, 45, 23])
  expect([...cell.subarray(8, 12)]).toEqual([-16, -16, 16, 16])
  expect([...cell.subarray(16, 20)]).toEqual([-11, -23, 11, 23])
})

test("halves are rounded to even, as numpy and torch do", () => {
  expect([...cellAnchors({ sizes: [5, 7], ratios: [1], stride: 16 })]).toEqual([-2, -2, 2, 2, -4, -4, 4, 4])
})

test("the grid goes along the rows, a stride a cell, the cell's anchors together", () => {
  const options = anchorOptions({ sizes: [16], ratios: [1], stride: 8 })
  expect([...gridAnchors([2, 2], options)]).toEqual([
    ...[-8, -8, 8, 8],
    ...[0, -8, 16, 8],
    ...[-8, 0, 8, 16],
    ...[0, 0, 16, 16],
  ])
})

test("unknown names and impossible sizes are refused", () => {
  expect(() => anchorOptions({ size: [1] } as never)).toThrow('unknown option "size". Did you mean "sizes"?')
  expect(() => anchorOptions({ sizes: [] })).toThrow("expected sizes to be one or more numbers above 0, got []")
  expect(() => anchorOptions({ ratios: [0] })).toThrow("expected ratios to be one or more numbers above 0, got [0]")
})

test("a pyramid's levels have one size each, and closer anchors where a side was rounded up", () => {
  const options = anchorOptions({ sizes: [8, 16], ratios: [1], stride: 4 })
  const [fine, coarse] = levelAnchors(
    [
      [3, 2],
      [2, 1],
    ],
    options,
  )
  expect(fine).toHaveLength(6 * 4)
  expect([...fine!.subarray(0, 8)]).toEqual([-4, -4, 4, 4, 0, -4, 8, 4])
  // 12 pixels in two rows are 6 each, 8 in one column 8.
  expect([...coarse!]).toEqual([-8, -8, 8, 8, -8, -2, 8, 14])
  expect(levelAnchors([[2, 2]], options)).toEqual([gridAnchors([2, 2], options)])
})
