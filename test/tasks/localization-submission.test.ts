import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { classNumbers, submissionLine } from "../../src/tasks/localization-submission.js"
import { tempFolder } from "../datasets/samples.js"

const object = (label: number, ...box: readonly number[]) => ({ label, box: Float32Array.from(box) })

test("a line has class, left, top, right and bottom of each guess, in pixels counted from 1", () => {
  expect(submissionLine([object(2, 0, 0, 1, 1)], [7, 9])).toBe("9 1 1 1 1")
  expect(submissionLine([object(1, 0.4, 9.6, 20.4, 30.6), object(2, 3, 4, 5, 6)], [7, 9])).toBe(
    "7 1 10 20 31 9 4 5 5 6",
  )
})

test("a box without extent still has one pixel", () => {
  expect(submissionLine([object(1, 5, 6, 5.2, 6.2)], [1])).toBe("1 6 7 6 7")
})

test("the kit counts five guesses: the surest ones are written", () => {
  const six = [1, 2, 3, 4, 5, 6].map((label) => object(label, 0, 0, 2, 2))
  expect(submissionLine(six, [11, 12, 13, 14, 15, 16]).split(" ")).toHaveLength(25)
  expect(submissionLine(six, [11, 12, 13, 14, 15, 16])).toMatch(/^11 .* 15 1 1 2 2$/)
})

test("an image without a guess is an empty line", () => {
  expect(submissionLine([], [1])).toBe("")
})

test("a class's number is its place from 1, or what the kit's list says", () => {
  const file = join(tempFolder(), "map_clsloc.txt")
  writeFileSync(file, "n02119789 1 kit_fox\nn02100735 2 English_setter\nn02096294 4 Australian_terrier\n")
  expect(classNumbers(["n02096294", "n02119789"], undefined)).toEqual([1, 2])
  expect(classNumbers(["n02096294", "n02119789"], file)).toEqual([4, 1])
  expect(() => classNumbers(["n01440764"], file)).toThrow(
    `${file}: expected a line with the number of n01440764, as in "n02119789 1 kit_fox"`,
  )
  expect(() => classNumbers(["n02096294"], "absent.txt")).toThrow(/^absent\.txt: ENOENT/)
})
