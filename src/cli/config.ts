import { readFileSync } from "node:fs"
import { dirname, extname, resolve } from "node:path"
import { parse as parseYaml } from "yaml"
import type { z } from "zod"
import { UsageError } from "../tensor/errors.js"
import { explain, isTree, show, type Tree } from "./config-error.js"

export interface ConfigSources {
  /** `--config`: a YAML or JSON file. */
  readonly file?: string | undefined
  /** Flags that were given, by their names in the schema; undefined ones are not given. */
  readonly flags?: Readonly<Record<string, unknown>>
  /** `--set`: `a.b=value` each; the value is read as YAML, so `true`, `0.1`, `[1, 2]` and `null` are what they look like. */
  readonly sets?: readonly string[] | undefined
  /** Names (dotted) of values that are paths: in a file they are relative to that file. */
  readonly paths?: readonly string[]
  /** The same for several paths in one text with `+` between them, as in `VOC2007+VOC2012`. */
  readonly joinedPaths?: readonly string[]
  /** Names of before, which are still understood, and what they are called now. */
  readonly renamed?: Readonly<Record<string, string>>
  /** Takes a line for each name of before that was used. */
  readonly note?: (line: string) => void
}

/**
 * The options of one command: the schema's defaults, below the file, below the flags, below `--set`.
 * @param schema a strict zod object (`z.strictObject`), which also holds the defaults
 * @throws UsageError one line naming the source, the key and what was expected, for an unknown key with the nearest name
 */
export function resolveConfig<Schema extends z.ZodType>(schema: Schema, sources: ConfigSources): z.output<Schema> {
  const config: Tree = {}
  /** Which source gave a key, so that an error names the place to mend. */
  const origins = new Map<string, string>()
  if (sources.file !== undefined) {
    const tree = readConfigFile(sources.file)
    for (const [name, value] of Object.entries(tree)) {
      delete tree[name]
      define(tree, currentName(name, sources.file, sources), value)
    }
    const from = dirname(resolve(sources.file))
    for (const name of sources.paths ?? []) rebase(tree, name.split("."), (path) => resolve(from, path))
    const each = (paths: string) =>
      paths
        .split("+")
        .map((path) => resolve(from, path))
        .join("+")
    for (const name of sources.joinedPaths ?? []) rebase(tree, name.split("."), each)
    merge(config, tree)
    for (const name of namesIn(tree)) origins.set(name, sources.file)
  }
  for (const [key, value] of Object.entries(sources.flags ?? {})) {
    if (value === undefined) continue
    merge(config, { [key]: value })
    for (const name of namesIn({ [key]: value })) origins.set(name, "command line")
  }
  for (const text of sources.sets ?? []) {
    const { path, value } = parseSet(text)
    path[0] = currentName(path[0]!, `--set ${text}`, sources)
    setAt(config, path, value, text)
    for (const name of namesIn({ "": value })) origins.set(path.join(".") + name, `--set ${text}`)
  }
  const result = schema.safeParse(config)
  if (result.success) return result.data
  throw new UsageError(explain(result.error.issues[0]!, config, origins, schema))
}

function currentName(name: string, where: string, { renamed = {}, note }: ConfigSources): string {
  if (!Object.hasOwn(renamed, name)) return name
  note?.(`${where}: "${name}" is now called "${renamed[name]}"`)
  return renamed[name]!
}

function readConfigFile(file: string): Tree {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (error) {
    throw new UsageError(`${file}: cannot read the config file (${(error as NodeJS.ErrnoException).code})`)
  }
  let value: unknown
  try {
    value = extname(file) === ".json" ? JSON.parse(text) : parseYaml(text)
  } catch (error) {
    throw new UsageError(`${file}: ${firstLine(error)}`)
  }
  if (value === null || value === undefined) return {}
  if (!isTree(value)) throw new UsageError(`${file}: expected "name: value" lines, got ${show(value)}`)
  return value
}

function firstLine(error: unknown): string {
  return (error as Error).message.split("\n")[0]!.replace(/:$/, "")
}

function parseSet(text: string): { path: string[]; value: unknown } {
  const at = text.indexOf("=")
  const path = text.slice(0, Math.max(at, 0)).split(".")
  if (at < 1 || path.some((key) => key === "")) {
    throw new UsageError(`--set ${text}: expected name=value, as in --set lr=0.01 or --set rpn.nms=0.6`)
  }
  try {
    return { path, value: parseYaml(text.slice(at + 1)) }
  } catch (error) {
    throw new UsageError(`--set ${text}: ${firstLine(error)}`)
  }
}

function setAt(tree: Tree, path: readonly string[], value: unknown, text: string): void {
  let inner = tree
  for (const key of path.slice(0, -1)) {
    if (!Object.hasOwn(inner, key)) define(inner, key, {})
    const next = inner[key]
    if (!isTree(next)) throw new UsageError(`--set ${text}: ${key} holds ${show(next)}, not names of its own`)
    inner = next
  }
  define(inner, path.at(-1)!, value)
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

function rebase(tree: Tree, [key, ...rest]: readonly string[], move: (path: string) => string): void {
  const value = tree[key!]
  if (rest.length > 0) {
    if (isTree(value)) rebase(value, rest, move)
  } else if (typeof value === "string") tree[key!] = move(value)
  else if (Array.isArray(value)) tree[key!] = value.map((item) => (typeof item === "string" ? move(item) : item))
}
