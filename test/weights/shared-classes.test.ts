import { expect, test } from "vitest"
import { sharedClasses } from "../../src/weights/shared-classes.js"

const pets = { name: "a.safetensors", classes: ["cat", "dog"] }

test("networks of the same classes share them", () => {
  expect(sharedClasses([pets, { ...pets, name: "b.safetensors" }])).toEqual(["cat", "dog"])
  expect(sharedClasses([pets])).toEqual(["cat", "dog"])
})

test.each([
  [["dog", "cat"], 'it has "dog" where that has "cat"'],
  [["cat"], "it knows 1 classes, that 2"],
  [["cat", "dog", "cow"], "it knows 3 classes, that 2"],
])("%j are others than cat, dog", (classes, what) => {
  expect(() => sharedClasses([pets, { name: "b.safetensors", classes }])).toThrow(
    `b.safetensors cannot be averaged with a.safetensors: ${what}. Their classes must be the same`,
  )
})
