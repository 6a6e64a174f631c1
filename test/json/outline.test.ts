import { expect, test } from "vitest"
import { outlineExtent } from "../../src/json/outline.js"

test.each([
  ["a polygon", [[10, 20, 30, 20, 30, 50.5]], [10, 20, 20, 30.5]],
  [
    "several polygons",
    [
      [0, 5, 4, 9],
      [7, 1, 8, 2],
    ],
    [0, 1, 8, 8],
  ],
  ["a polygon without its list", [10, 20, 30, 20, 30, 50], [10, 20, 20, 30]],
  [
    "a list of points",
    [
      [10, 20],
      [30, 20],
      [30, 50],
    ],
    [10, 20, 20, 30],
  ],
  // Columns of four pixels: rows 1 and 2 of the first column, row 2 of the third.
  ["run lengths", { size: [4, 3], counts: [1, 2, 7, 1, 1] }, [0, 1, 3, 2]],
  ["a run over the end of a column", { size: [4, 3], counts: [3, 3, 6] }, [0, 0, 2, 4]],
  // The letters stand for 6 1 40 4 5 4 5 4 21.
  ["compressed run lengths", { size: [9, 10], counts: "61X13mN000`0" }, [0, 2, 8, 5]],
])("the box around %s", (_, segmentation, box) => {
  expect(outlineExtent(segmentation)).toEqual(box)
})

test.each([
  null,
  undefined,
  "x",
  5,
  [],
  [[]],
  [[1, 2, 3]],
  [["a", "b"]],
  {},
  { size: [4, 3], counts: [12] },
  { size: [4, 3], counts: [1, -2] },
])("%j has none", (segmentation) => {
  expect(outlineExtent(segmentation)).toBeUndefined()
})
