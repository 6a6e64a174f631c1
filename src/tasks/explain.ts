import type { z } from "zod"
import { shown } from "../core/shown.js"
import { didYouMean } from "../core/suggest.js"
import { declaredOptions, flagName, placeholder, shapeOf } from "./option.js"

/** Options as they were written: names to values or to groups of names. */
export type Tree = Record<string, unknown>

/** Where the values that a schema refuses came from. */
export interface Provenance {
  /** The source that gave each dotted name. */
  readonly origins: ReadonlyMap<string, string>
  readonly schema: z.ZodType
  /** The command or function that was called. */
  readonly caller?: string | undefined
  /** Options without a flag. */
  readonly operands?: readonly string[] | undefined
  readonly from: "command line" | "code"
}

/** One line for what a schema found wrong: where the value came from, its name, what was expected, what came. */
export function explain(issue: z.core.$ZodIssue, config: Tree, provenance: Provenance): string {
  const { origins, schema, caller } = provenance
  const path = issue.path.map(String)
  const originOf = (names: readonly string[]): string => {
    if (names.length === 0) return caller ?? "options"
    return origins.get(names.join(".")) ?? originOf(names.slice(0, -1))
  }
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!
    const known = keysAt(schema, path)
    const name = [...path, key].join(".")
    return `${originOf([...path, key])}: unknown option "${shown(name)}".${didYouMean(key, known)} Known: ${known.join(", ")}`
  }
  const value = valueAt(config, path)
  const name = path.join(".")
  if (value === undefined) return `${caller ?? "options"}${missing(name, provenance)}`
  const options = issue.code === "invalid_value" ? issue.values.map(String) : []
  const hint = typeof value === "string" ? didYouMean(value, options) : ""
  const origin = originOf(path)
  const what = origin === `--${flagName(name)}` ? origin : `${origin}: expected ${name}`
  const wanted = isWhole(name, schema) && isNotNumber(issue) ? typeWords.int! : expectation(issue)
  const expected = origin === what ? `: expected ${wanted}` : ` to be ${wanted}`
  return `${what}${expected}, got ${show(value)}${hint && `.${hint}`}`
}

/** zod refuses what is no number before it asks for a whole one. */
const isNotNumber = (issue: z.core.$ZodIssue) => issue.code === "invalid_type" && issue.expected === "number"

const isWhole = (name: string, schema: z.ZodType) =>
  declaredOptions(schema).some(({ key, kind }) => key === name && kind.type === "whole number")

/** `train needs --data <path>: a VOC folder, ...` */
function missing(name: string, { schema, from, operands }: Provenance): string {
  const declared = declaredOptions(schema).find(({ key }) => key === name)
  const help = declared?.info.help ? `: ${declared.info.help}` : ""
  if (operands?.includes(name)) return ` needs <${flagName(name)}>${help}`
  return from === "code" || declared === undefined || declared.info.only !== undefined
    ? ` needs "${name}"${help}`
    : ` needs --${flagName(name)} ${placeholder(declared)}${help}`.trimEnd()
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
    case "invalid_union":
      return issue.message === "Invalid input" ? unionWords(issue) : issue.message
    default:
      return issue.message
  }
}

/** What each branch of a union wanted. */
function unionWords(issue: z.core.$ZodIssueInvalidUnion): string {
  return issue.errors.flatMap(([first]) => (first === undefined ? [] : [expectation(first)])).join(", or ")
}

const typeWords: Readonly<Record<string, string>> = {
  number: "a number",
  int: "a whole number",
  string: "a string",
  boolean: "true or false",
  array: "a list",
  object: "a group of names",
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === "string")
    return limit === 1 && relation === "at least" ? "a non-empty string" : `a string of ${relation} ${limit} characters`
  if (origin === "array") return `a list of ${relation} ${limit}`
  return relation.startsWith("at") ? `a number of ${relation} ${limit}` : `a number ${relation} ${limit}`
}

/** The names a strict object schema knows at `path`, seen through defaults and optionals. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let inner = schema
  for (const key of path) {
    const next = shapeOf(inner)[key]
    if (next === undefined) return []
    inner = next
  }
  return Object.keys(shapeOf(inner))
}

/** The value at a path of names and places; undefined where there is none. */
export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isTree(inner) || Array.isArray(inner) ? (inner as Tree)[String(key)] : undefined),
    tree,
  )
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

export function show(value: unknown): string {
  return typeof value === "number" ? String(value) : shown(JSON.stringify(value) ?? String(value))
}
