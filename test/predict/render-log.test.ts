import { expect, test } from "vitest"
import { hasNumericNames } from "../../src/predict/render-log.js"

function areNumeric(...stems: string[]) {
  async function* images() {
    for (const stem of stems) yield { stem }
  }
  return hasNumericNames(images())
}

test("numbers of their own are ids, with or without leading zeros", async () => {
  expect(await areNumeric("000139", "sub/7", "8")).toBe(true)
})

test.each([
  ["a name with letters", ["1", "a2"]],
  ["a number twice", ["1", "sub/1"]],
  ["one number written in two ways", ["1", "01"]],
  ["a number too long to be exact", ["90071992547409930"]],
])("%s makes no ids", async (_, stems) => {
  expect(await areNumeric(...stems)).toBe(false)
})
