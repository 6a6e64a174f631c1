import { InvalidArgumentError } from "commander"
import { atLeastOne, fraction, positive, type Rule, wholeNumber } from "../tensor/options.js"

/** Reads a flag's text as a number that keeps `rule`; commander names the flag in the error. */
const numberFlag =
  (rule: Rule) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text)
    const expected = Number.isNaN(value) ? "a number" : rule(value)
    if (expected !== undefined) throw new InvalidArgumentError(`Expected ${expected}.`)
    return value
  }

export const positiveFlag = numberFlag(positive)
export const fractionFlag = numberFlag(fraction)
export const wholeNumberFlag = numberFlag(wholeNumber)
export const atLeastOneFlag = numberFlag(atLeastOne)

/** Reads `a,b,c` as a list of names. */
export function listFlag(text: string): string[] {
  const names = text.split(",").map((name) => name.trim())
  if (names.includes("")) throw new InvalidArgumentError("Expected names with commas between them.")
  return names
}
