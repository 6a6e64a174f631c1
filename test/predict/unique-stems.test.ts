import fc from "fast-check"
import { expect, test } from "vitest"
import { uniqueStems } from "../../src/predict/unique-stems.js"

test("a name loses its ending", () => {
  expect(uniqueStems(["a.jpg", "b.c.png", "d"])).toEqual(["a", "b.c", "d"])
})

test("names that differ in their endings only keep them", () => {
  expect(uniqueStems(["a.jpg", "a.png", "b.png"])).toEqual(["a.jpg", "a.png", "b"])
})

test("a stem that is another image's name keeps its ending", () => {
  expect(uniqueStems(["a.jpg", "a.png", "a.jpg.png"])).toEqual(["a.jpg", "a.png", "a.jpg.png"])
})

test("no two images share a stem, whatever their names", () => {
  const part = fc.constantFrom("a", "b", ".jpg", ".png", "-2", "/")
  const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(""))
  fc.assert(
    fc.property(fc.array(path, { maxLength: 8 }), (paths) => {
      expect(new Set(uniqueStems(paths)).size).toBe(paths.length)
    }),
  )
})
