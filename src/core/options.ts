import { UsageError } from "./errors.js"
import { didYouMean } from "./suggest.js"

/** A rule for one option: returns what was expected when the value breaks it, else undefined. */
export type Rule = (value: unknown) => string | undefined

/**
 * `defaults` with `overrides` laid over them.
 * @throws UsageError for a name that `defaults` lacks, or a value that breaks its rule
 */
export function withDefaults<Options extends object>(
  name: string,
  defaults: Options,
  overrides: Partial<Options>,
  rules: Partial<Record<keyof Options, Rule>> = {},
): Options {
  const known = Object.keys(defaults)
  for (const key of Object.keys(overrides)) {
    if (!known.includes(key)) {
      throw new UsageError(`${name}: unknown option "${key}".${didYouMean(key, known)} Known: ${known.join(", ")}`)
    }
  }
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined))
  const options = { ...defaults, ...given }
  for (const [key, rule] of Object.entries(rules) as [keyof Options & string, Rule][]) {
    const expected = rule(options[key])
    if (expected !== undefined)
      throw new UsageError(`${name}: expected ${key} to be ${expected}, got ${show(options[key])}`)
  }
  return options
}

export const positive: Rule = (value) => (typeof value === "number" && value > 0 ? undefined : "a number above 0")
export const fraction: Rule = (value) =>
  typeof value === "number" && value >= 0 && value <= 1 ? undefined : "a number from 0 to 1"
export const wholeNumber: Rule = (value) =>
  Number.isInteger(value) && (value as number) >= 0 ? undefined : "a whole number, 0 or more"
export const atLeastOne: Rule = (value) =>
  Number.isInteger(value) && (value as number) >= 1 ? undefined : "a whole number, 1 or more"
export const trueOrFalse: Rule = (value) => (typeof value === "boolean" ? undefined : "true or false")

/** One of a few names. */
export const oneOf =
  (...names: readonly string[]): Rule =>
  (value) =>
    names.includes(value as string) ? undefined : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value))
}
