import { expect, test } from "vitest"
import { shortNames } from "../../src/core/short-names.js"

test.each([
  [["runs/a/weights/last.pt"], ["last.pt"]],
  [
    ["runs/a/weights/last.pt", "runs/b/weights/last.pt"],
    ["a/weights/last.pt", "b/weights/last.pt"],
  ],
  [
    ["x/1", "y/1", "y/2"],
    ["x/1", "y/1", "y/2"],
  ],
  [
    ["one.pt", "./one.pt", "two.pt"],
    ["one.pt", "one.pt", "two.pt"],
  ],
  [
    ["/a/n", "/n"],
    ["a/n", "/n"],
  ],
])("%j: %j", (paths, names) => {
  expect(shortNames(paths)).toEqual(names)
})

test("names of nothing are none", () => {
  expect(shortNames([])).toEqual([])
})
