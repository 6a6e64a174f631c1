import { expect, test } from "vitest"
import { withoutFlag } from "../../datasets/voc-folders.js"
import { numberInName } from "../../src/core/number-in-name.js"
import { safeNames } from "../../src/core/safe-names.js"
import { numberOfText } from "../../src/json/quoted-number.js"

/** Patterns that look at every letter again from every letter take hours for these, and the test ends as one that hangs. */
const long = 500_000

test.each<[string, (text: string) => unknown, string, unknown]>([
  ["a number", numberOfText, `${"7".repeat(long)}x`, Number.NaN],
  ["a number of blanks", numberOfText, `1${" ".repeat(long)}x`, Number.NaN],
  ["the number in a name", numberInName, `${"7".repeat(long)}a8`, 8],
  ["a class name as a file's", (text) => safeNames([text])[0]!.length, `${".".repeat(long)}x.`, 3],
  ["a line of a list", (text) => withoutFlag(text).length, `a${" ".repeat(long)}b 1`, long + 2],
])("%s of half a million letters is read at once", (_, read, text, expected) => {
  expect(read(text)).toEqual(expected)
})

test("a word of a text file is a number where people write numbers, not where JavaScript takes one", () => {
  for (const [text, value] of Object.entries({ "1.5": 1.5, ".5": 0.5, "5.": 5, "-3e2": -300, "+7": 7, " 8 ": 8 })) {
    expect(numberOfText(text)).toBe(value)
  }
  for (const text of ["", " ", "0x1e", "0b1", "Infinity", "NaN", "1_0", "1,5", "1e"]) {
    expect(numberOfText(text), text).toBeNaN()
  }
})
