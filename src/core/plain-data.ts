import { createRequire } from "node:module"
import type { Parser as YamlParser } from "yaml"

/** Texts of people are far smaller: names of 20,000 classes have 300 kB. */
const mostLetters = 1_000_000
/** Lists and groups inside each other. */
const deepest = 100
/** Tokens that the parser keeps for one level: at most the key, the value and the collection. */
const tokensALevel = 4

interface YamlOptions {
  /** Whether a part may be named and repeated. */
  readonly aliases?: boolean
  /** `texts`: numbers, true and null stay as they were written. */
  readonly scalars?: "values" | "texts"
}

/**
 * What a YAML text says, as plain data. Texts of strangers cost time and memory in proportion to their length, and nothing
 * in them is executed.
 * @throws Error one line, for a text that is no YAML, is too large or too deep, or goes round in a circle
 */
export function parseYaml(text: string, { aliases = true, scalars = "values" }: YamlOptions = {}): unknown {
  if (text.length > mostLetters) throw new Error(`expected at most ${mostLetters} letters, got ${text.length}`)
  // Loaded with the first text: most commands are given none, and start sooner.
  const { Composer, Lexer, LineCounter, Parser } = createRequire(import.meta.url)("yaml") as typeof import("yaml")
  const lines = new LineCounter()
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  const tokens: ReturnType<YamlParser["next"]> extends Generator<infer Token> ? Token[] : never = []
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme))
    if (parser.stack.length > deepest * tokensALevel) throw new Error(tooDeep)
  }
  tokens.push(...parser.end())
  // Keys are compared below: the composer would compare each with each, and tell of each error where it stands.
  const schema = scalars === "texts" ? "failsafe" : "core"
  const composer = new Composer({
    ...{ uniqueKeys: false, prettyErrors: false, lineCounter: lines, schema },
    // What it would warn of by itself, it would print.
    logLevel: "error",
  })
  const [document, another] = [...composer.compose(tokens)]
  if (another !== undefined) throw new Error("expected one YAML document, got several")
  if (document === undefined) return null
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new Error(`${error.message.split("\n")[0]!.replace(/[.:]$/, "")} at line ${line}, column ${col}`)
  }
  const twice = repeatedKey(document.contents)
  if (twice !== undefined) throw new Error(`Map keys must be unique: "${twice}" appears twice`)
  const value: unknown = document.toJS({ maxAliasCount: aliases ? 100 : 0 })
  expectShallow(value)
  return value
}

/** As `JSON.parse`. @throws Error for a text that is no JSON, or whose lists and groups go too deep */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  expectShallow(value)
  return value
}

const tooDeep = `lists and groups inside each other go deeper than ${deepest} levels`

/** @throws Error for a value that goes too deep, or round in a circle */
function expectShallow(value: unknown): void {
  const waiting: [value: unknown, depth: number][] = [[value, 0]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [one, depth] = next
    if (typeof one !== "object" || one === null) continue
    if (depth >= deepest) throw new Error(tooDeep)
    for (const inner of Object.values(one)) waiting.push([inner, depth + 1])
  }
}

interface PairNode {
  readonly items?: readonly { readonly key?: { readonly value?: unknown } | null; readonly value?: unknown }[]
}

/** The first key that a group has twice. */
function repeatedKey(root: unknown): string | undefined {
  const waiting = [root as PairNode | null]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const keys = new Set<unknown>()
    for (const item of node?.items ?? []) {
      const key = item.key?.value
      if (key !== undefined && keys.has(key)) return String(key)
      if (key !== undefined) keys.add(key)
      waiting.push((item.key === undefined ? item : item.value) as PairNode | null)
    }
  }
  return undefined
}
