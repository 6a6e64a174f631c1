import { existsSync, readFileSync } from "node:fs"
import { dirname, extname, resolve } from "node:path"
import type { z } from "zod"
import { UsageError } from "../core/errors.js"
import { isAddress } from "../core/fetch-bytes.js"
import { parseJson, parseYaml } from "../core/plain-data.js"
import { renameOldKeys } from "../core/renamed-keys.js"
import { shown } from "../core/shown.js"
import { isWeightsName } from "../setup/published-weights.js"
import { explain, isTree, type Provenance, show, type Tree, valueAt } from "./explain.js"
import { type DeclaredOption, declaredOptions, flagName, shapeOf } from "./option.js"
import { expectOtherFiles } from "./own-output.js"

/** Where the options of a command come from: later ones win. */
export interface ConfigSources {
  /** The command, as in `train needs --data`. */
  readonly command?: string | undefined
  /** Options that the command takes without a flag, as in `dataset check needs <data>`. */
  readonly operands?: readonly string[] | undefined
  /** `--config`: a YAML or JSON file, or `-` for standard input. */
  readonly file?: string | undefined
  /** Flags that were given, by their names in the schema; undefined ones are not given. */
  readonly flags?: Readonly<Record<string, unknown>>
  /** Environment variables that stand in for flags, by the flags' names. */
  readonly variables?: Readonly<Record<string, string>>
  /** `--set`: `a.b=value` each; the value is read as YAML, so `true`, `0.1`, `[1, 2]` and `null` are what they look like. */
  readonly sets?: readonly string[] | undefined
}

export interface ResolvedConfig<Options> {
  readonly options: Options
  /** One line for each old name that was used: what it is called now. */
  readonly notices: readonly string[]
}

/**
 * The options of one command: the schema's defaults, below the file, below the flags, below `--set`.
 * @param schema a strict zod object (`z.strictObject`), which also holds the defaults
 * @throws UsageError one line naming the source, the key and what was expected, for an unknown key with the nearest name
 */
export function resolveConfig<Schema extends z.ZodType>(
  schema: Schema,
  sources: ConfigSources,
): ResolvedConfig<z.output<Schema>> {
  const declared = declaredOptions(schema)
  const config: Tree = {}
  /** Which source gave a key, so that an error names the place to fix. */
  const origins = new Map<string, string>()
  const notices: string[] = []
  const lay = (given: Tree, origin: (key: string) => string) => {
    const { tree, lines } = renameOldKeys(given)
    notices.push(...lines.map((line) => `${origin(Object.keys(given)[0] ?? "")}: ${line}`))
    notices.push(...renameFormer(tree, declared, origin))
    merge(config, tree)
    for (const name of namesIn(tree)) origins.set(name, origin(name))
  }
  if (sources.file !== undefined) {
    const tree = readConfigFile(sources.file)
    const from = sources.file === standardInput ? process.cwd() : dirname(resolve(sources.file))
    for (const { key, info } of declared) {
      if (info.path === undefined) continue
      const move = info.path === "single" ? (path: string) => moved(from, path) : joined((path) => resolve(from, path))
      rebase(tree, key.split("."), move)
    }
    lay(tree, () => nameOfConfig(sources.file!))
  }
  for (const [key, value] of Object.entries(sources.flags ?? {})) {
    if (value !== undefined) lay({ [key]: value }, () => sources.variables?.[key] ?? `--${flagName(key)}`)
  }
  for (const text of sources.sets ?? []) {
    const { path, value } = parseSet(text)
    const tree: Tree = {}
    setAt(tree, path, value)
    refuseBelowValue(config, path, text)
    lay(tree, () => `--set ${shown(text)}`)
  }
  if (sources.file === standardInput) expectOneReader(config, declared)
  const { command: caller, operands } = sources
  return { options: parsed(schema, config, { origins, schema, caller, operands, from: "command line" }), notices }
}

/** What `--config` is where the options come from standard input. */
const standardInput = "-"

const nameOfConfig = (file: string): string => (file === standardInput ? "standard input" : file)

/** @throws UsageError where another option reads standard input too */
function expectOneReader(config: Tree, declared: readonly DeclaredOption[]): void {
  const other = declared.find(({ key, info }) => info.path && key !== "out" && valueAt(config, key.split(".")) === "-")
  if (other === undefined) return
  throw new UsageError(`--config - and --${flagName(other.key)} - both read standard input: give one of them a file`)
}

/** Standard input is no path, nor an address, nor the name of published weights where there is no file of that name. */
function moved(from: string, path: string): string {
  const file = resolve(from, path)
  return path === "-" || isAddress(path) || (isWeightsName(path) && !existsSync(file)) ? path : file
}

/**
 * What a program passed to a task, with the schema's defaults.
 * @param name of the function that was called, for errors
 * @throws UsageError for an unknown name or a value that the schema refuses
 */
export function parseOptions<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  options: z.input<Schema>,
): z.output<Schema> {
  const given = Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined))
  const origins = new Map(Object.keys(given).map((key) => [key, name]))
  return parsed(schema, given, { origins, schema, caller: name, from: "code" })
}

/**
 * Checks single values where all others are known elsewhere, as in a run that goes on.
 * @param originOf what gave a value, for errors
 * @throws UsageError for a value that the schema refuses
 */
export function expectValues(schema: z.ZodType, given: Tree, originOf: (key: string) => string): void {
  for (const [key, inner] of Object.entries(shapeOf(schema))) {
    const [issue] = (given[key] !== undefined && inner.safeParse(given[key]).error?.issues) || []
    if (issue === undefined) continue
    const provenance = { origins: new Map([[key, originOf(key)]]), schema, from: "code" } as const
    throw new UsageError(explain({ ...issue, path: [key, ...issue.path] }, given, provenance))
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, config: Tree, provenance: Provenance): z.output<Schema> {
  const result = schema.safeParse(config)
  if (result.success) {
    expectOtherFiles(schema, result.data as object, {}, provenance.operands)
    return result.data
  }
  // What was given wrongly is told before what was not given.
  const { issues } = result.error
  const issue = issues.find(({ path }) => valueAt(config, path) !== undefined) ?? issues[0]!
  throw new UsageError(explain(issue, config, provenance))
}

/** Gives the values of old names to the new ones. */
function renameFormer(tree: Tree, declared: readonly DeclaredOption[], origin: (key: string) => string): string[] {
  return declared.flatMap(({ key, info }) =>
    (info.formerly ?? []).flatMap((former) => {
      const value = takeAt(tree, former.split("."))
      if (value === undefined) return []
      setAt(tree, key.split("."), value)
      return [`${origin(former)}: "${former}" is now called "${key}"`]
    }),
  )
}

function takeAt(tree: Tree, [key, ...rest]: readonly string[]): unknown {
  if (!Object.hasOwn(tree, key!)) return undefined
  const value = tree[key!]
  if (rest.length > 0) return isTree(value) ? takeAt(value, rest) : undefined
  delete tree[key!]
  return value
}

function readConfigFile(file: string): Tree {
  const name = nameOfConfig(file)
  let text: string
  try {
    text = readFileSync(file === standardInput ? process.stdin.fd : file, "utf8")
  } catch (error) {
    throw new UsageError(`${name}: cannot read the config file (${(error as NodeJS.ErrnoException).code})`)
  }
  let value: unknown
  try {
    value = extname(file) === ".json" ? parseJson(text) : parseYaml(text)
  } catch (error) {
    throw new UsageError(`${name}: ${firstLine(error)}`)
  }
  if (value === null || value === undefined) return {}
  if (!isTree(value)) throw new UsageError(`${name}: expected "name: value" lines, got ${show(value)}`)
  // For editors, which find the file's schema by it.
  const { $schema: _, ...tree } = value
  return tree
}

function firstLine(error: unknown): string {
  return (error as Error).message.split("\n")[0]!.replace(/:$/, "")
}

function parseSet(text: string): { path: string[]; value: unknown } {
  const at = text.indexOf("=")
  const path = text.slice(0, Math.max(at, 0)).split(".")
  if (at < 1 || path.some((key) => key === "")) {
    throw new UsageError(`--set ${shown(text)}: expected name=value, as in --set lr=0.01 or --set rpn.nms=0.6`)
  }
  try {
    return { path, value: parseYaml(text.slice(at + 1), { aliases: false }) }
  } catch (error) {
    throw new UsageError(`--set ${shown(text)}: ${firstLine(error)}`)
  }
}

function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  let inner = tree
  for (const key of path.slice(0, -1)) {
    if (!(Object.hasOwn(inner, key) && isTree(inner[key]))) define(inner, key, {})
    inner = inner[key] as Tree
  }
  define(inner, path.at(-1)!, value)
}

function refuseBelowValue(tree: Tree, path: readonly string[], text: string): void {
  let inner: unknown = tree
  for (const key of path.slice(0, -1)) {
    if (!(isTree(inner) && Object.hasOwn(inner, key))) return
    inner = inner[key]
    if (!isTree(inner)) throw new UsageError(`--set ${shown(text)}: ${key} holds ${show(inner)}, not names of its own`)
  }
}

/** `over` laid on `under`, neither of which changes: trees are merged key by key, anything else is replaced. */
export function mergedTrees(under: object, over: object): Record<string, unknown> {
  const tree: Tree = {}
  for (const one of [under, over]) merge(tree, one as Tree)
  return tree
}

/** Lays `over` on `under`: trees are merged key by key, anything else is replaced. */
function merge(under: Tree, over: Tree): void {
  for (const [key, value] of Object.entries(over)) {
    const old = Object.hasOwn(under, key) ? under[key] : undefined
    if (isTree(value)) {
      const copy: Tree = {}
      if (isTree(old)) merge(copy, old)
      merge(copy, value)
      define(under, key, copy)
    } else define(under, key, value)
  }
}

/** Plain assignment to `__proto__` would change the tree's prototype and hide the key from the strict schema. */
function define(tree: Tree, key: string, value: unknown): void {
  Object.defineProperty(tree, key, { value, enumerable: true, writable: true, configurable: true })
}

/** Every name in a tree, dotted: groups and what is in them. */
function namesIn(tree: Tree): string[] {
  return Object.entries(tree).flatMap(([key, value]) => [
    key,
    ...(isTree(value) ? namesIn(value).map((name) => `${key}.${name}`) : []),
  ])
}

const joined = (move: (path: string) => string) => (paths: string) => paths.split("+").map(move).join("+")

function rebase(tree: Tree, [key, ...rest]: readonly string[], move: (path: string) => string): void {
  const value = tree[key!]
  if (rest.length > 0) {
    if (isTree(value)) rebase(value, rest, move)
  } else if (typeof value === "string") tree[key!] = move(value)
  else if (Array.isArray(value)) tree[key!] = value.map((item) => (typeof item === "string" ? move(item) : item))
}
