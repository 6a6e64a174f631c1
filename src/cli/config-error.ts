import type { z } from "zod"
import { didYouMean } from "../tensor/suggest.js"

/** Options as they were written: names to values or to groups of names. */
export type Tree = Record<string, unknown>

/**
 * One line for what a schema found wrong: where the value came from, its name, what was expected, what came.
 * @param origins the source that gave each dotted name
 */
export function explain(
  issue: z.core.$ZodIssue,
  config: Tree,
  origins: ReadonlyMap<string, string>,
  schema: z.ZodType,
): string {
  const path = issue.path.map(String)
  const originOf = (names: readonly string[]): string => {
    if (names.length === 0) return "options"
    return origins.get(names.join(".")) ?? originOf(names.slice(0, -1))
  }
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!
    const known = keysAt(schema, path)
    const name = [...path, key].join(".")
    return `${originOf([...path, key])}: unknown option "${name}".${didYouMean(key, known)} Known: ${known.join(", ")}`
  }
  const value = path.reduce<unknown>(
    (inner, key) => (isTree(inner) || Array.isArray(inner) ? (inner as Tree)[key] : undefined),
    config,
  )
  const name = path.join(".")
  if (value === undefined) return `options: expected ${name} to be ${expectation(issue)}, but it is not given`
  const options = issue.code === "invalid_value" ? issue.values.map(String) : []
  const hint = typeof value === "string" ? didYouMean(value, options) : ""
  return `${originOf(path)}: expected ${name} to be ${expectation(issue)}, got ${show(value)}${hint && `.${hint}`}`
}

/** What the schema wanted, in words that end the sentence "expected lr to be ...". */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeWords[issue.expected] ?? `of type ${issue.expected}`
    case "too_small":
      return bound(issue.origin, issue.inclusive === false ? "above" : "at least", issue.minimum)
    case "too_big":
      return bound(issue.origin, issue.inclusive === false ? "below" : "at most", issue.maximum)
    case "invalid_value":
      return `${issue.values.length > 1 ? "one of " : ""}${issue.values.join(", ")}`
    default:
      return issue.message
  }
}

const typeWords: Readonly<Record<string, string>> = {
  number: "a number",
  int: "a whole number",
  string: "a text",
  boolean: "true or false",
  array: "a list",
  object: "a group of names",
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === "string")
    return limit === 1 && relation === "at least"
      ? "a text that is not empty"
      : `a text of ${relation} ${limit} letters`
  if (origin === "array") return `a list of ${relation} ${limit}`
  return relation.startsWith("at") ? `a number of ${relation} ${limit}` : `a number ${relation} ${limit}`
}

/** The names a strict object schema knows at `path`, seen through defaults and optionals. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let inner = unwrap(schema)
  for (const key of path) {
    const next = shapeOf(inner)[key]
    if (next === undefined) return []
    inner = unwrap(next)
  }
  return Object.keys(shapeOf(inner))
}

function unwrap(schema: z.ZodType): z.ZodType {
  const { innerType } = schema.def as { innerType?: z.ZodType }
  return innerType === undefined ? schema : unwrap(innerType)
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> {
  return (schema.def as { shape?: Record<string, z.ZodType> }).shape ?? {}
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

export function show(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value))
}
