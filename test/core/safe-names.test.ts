import { expect, test } from "vitest"
import { safeNames } from "../../src/core/safe-names.js"

test("what a path cannot hold is replaced", () => {
  expect(safeNames(["dog", "traffic light", "a/b", "..", "c:d", ""])).toEqual([
    "dog",
    "traffic light",
    "a_b",
    "_",
    "c_d",
    "_-2",
  ])
})

test("names stay apart, also where large and small letters are one", () => {
  expect(safeNames(["a/b", "a:b", "Dog", "dog"])).toEqual(["a_b", "a_b-2", "Dog", "dog-2"])
})
