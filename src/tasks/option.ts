import { z } from "zod"

/** What a reader is told of an option: `--help`, docs/options.md and the JSON schemas for editors show the same. */
export interface OptionInfo {
  /** One line, without the default. */
  readonly help: string
  /** Of a number, such as `pixels` or `epochs`; also its placeholder in `--help`. */
  readonly unit?: string
  /** Where the default comes from: a paper's section or a reference repository's file. */
  readonly source?: string
  /** The default in words, where it is decided from other options, the weights or the data. */
  readonly otherwise?: string
  /** The flag's placeholder in `--help`, where neither the unit nor the type says enough. */
  readonly value?: string
  /** Whether the value is a path, or several joined with `+`: in a configuration file they are relative to that file. */
  readonly path?: "single" | "joined"
  /** The value is a file that is written: it cannot be one that another option names. */
  readonly written?: boolean
  /** The value is a list whose items stand behind the flag with spaces between them. */
  readonly repeated?: boolean
  /** What the flag means without a value; with one, it is optional. */
  readonly bare?: number | string
  /** Seldom needed: `--help` leaves it to docs/options.md. */
  readonly advanced?: boolean
  /** `file`: no flag, only a key of configuration files and `--set`. `code`: an object that only TypeScript can pass. */
  readonly only?: "file" | "code"
  /** An environment variable that stands in for the flag. */
  readonly variable?: string
  /** Names of earlier versions, which still work and are answered with a line that says the new one. */
  readonly formerly?: readonly string[]
}

const infos = z.registry<OptionInfo>()

/** `schema` with what a reader is told of it; outermost, so that defaults stand inside. */
export function option<Schema extends z.ZodType>(schema: Schema, info: OptionInfo): Schema {
  if (infos.has(schema)) throw new Error(`a schema cannot be two options: "${info.help}"`)
  infos.add(schema, info)
  return schema
}

/** One option of a task, as its schema declares it. */
export interface DeclaredOption {
  /** Dotted below groups, such as `anchors.sizes`. */
  readonly key: string
  readonly schema: z.ZodType
  readonly info: OptionInfo
  readonly kind: ValueKind
  /** The default as the schema has it; `undefined` where there is none. */
  readonly byDefault: unknown
  readonly required: boolean
}

/** What a value is, as far as a text can say it. */
export type ValueKind =
  | { readonly type: "text" | "number" | "whole number" | "boolean" | "anything" }
  | { readonly type: "choice"; readonly choices: readonly string[] }
  | { readonly type: "list"; readonly item: ValueKind }
  | { readonly type: "either"; readonly kinds: readonly ValueKind[] }
  | { readonly type: "group" }

/** The options that a strict object schema declares, groups followed by what is in them. */
export function declaredOptions(schema: z.ZodType, prefix = ""): DeclaredOption[] {
  return Object.entries(shapeOf(schema)).flatMap(([name, inner]) => {
    const key = prefix + name
    const info = infoOf(inner) ?? { help: "" }
    const kind = valueKind(inner)
    const own = {
      key,
      schema: inner,
      info,
      kind,
      byDefault: defaultOf(inner),
      required: !inner.safeParse(undefined).success,
    }
    return [own, ...(kind.type === "group" ? declaredOptions(inner, `${key}.`) : [])]
  })
}

function infoOf(schema: z.ZodType): OptionInfo | undefined {
  return infos.get(schema) ?? (innerOf(schema) && infoOf(innerOf(schema)!))
}

function innerOf(schema: z.ZodType): z.ZodType | undefined {
  const { innerType, out } = schema.def as { innerType?: z.ZodType; out?: z.ZodType }
  return innerType ?? out
}

/** A schema without the defaults and optionals around it. */
function unwrap(schema: z.ZodType): z.ZodType {
  const inner = innerOf(schema)
  return inner === undefined ? schema : unwrap(inner)
}

/** The keys of an object schema, seen through what is around it; none for other schemas. */
export function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return (unwrap(schema).def as { shape?: Record<string, z.ZodType> }).shape ?? {}
}

function defaultOf(schema: z.ZodType): unknown {
  const { type, defaultValue } = schema.def as { type: string; defaultValue?: unknown }
  if (type === "default") return defaultValue
  const inner = innerOf(schema)
  return inner && defaultOf(inner)
}

/** What values a schema takes. */
function valueKind(schema: z.ZodType): ValueKind {
  const inner = unwrap(schema)
  const def = inner.def as {
    type: string
    format?: string
    element?: z.ZodType
    items?: readonly z.ZodType[]
    options?: readonly z.ZodType[]
    values?: readonly unknown[]
  }
  switch (def.type) {
    case "string":
      return { type: "text" }
    case "boolean":
      return { type: "boolean" }
    case "number":
      return { type: def.format === "safeint" ? "whole number" : "number" }
    case "enum":
      return { type: "choice", choices: (inner as z.ZodEnum).options.map(String) }
    case "literal":
      return def.values!.every((value) => typeof value === "number")
        ? { type: "number" }
        : { type: "choice", choices: def.values!.map(String) }
    case "array":
      return { type: "list", item: valueKind(def.element!) }
    case "tuple":
      return { type: "list", item: valueKind(def.items![0]!) }
    case "union":
      return { type: "either", kinds: def.options!.map(valueKind) }
    case "object":
      return { type: "group" }
    default:
      return { type: "anything" }
  }
}

/** A flag's text as the value it means; what does not look like one stays a text, for the schema to refuse. */
export function parseText(text: string, kind: ValueKind): unknown {
  switch (kind.type) {
    case "number":
    case "whole number":
      return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text)
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text
    case "list":
      return text.split(",").map((part) => parseText(part.trim(), kind.item))
    case "either": {
      const values = kind.kinds.map((one) => ({ one, value: parseText(text, one) }))
      const fitting = values.find(({ one, value }) => isOf(value, one))
      return fitting === undefined ? text : fitting.value
    }
    default:
      return text
  }
}

function isOf(value: unknown, kind: ValueKind): boolean {
  switch (kind.type) {
    case "number":
    case "whole number":
      return typeof value === "number"
    case "boolean":
      return typeof value === "boolean"
    case "choice":
      return kind.choices.includes(value as string)
    case "list":
      return Array.isArray(value) && value.every((item) => isOf(item, kind.item))
    default:
      return true
  }
}

/** `maxDets` as the flag `max-dets`. */
export const flagName = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** What stands for an option's value in `--help`, such as `<pixels>`; nothing for a flag that takes none. */
export function placeholder({ info, kind }: Pick<DeclaredOption, "info" | "kind">): string {
  if (kind.type === "boolean") return ""
  const word = info.value ?? info.unit ?? (info.path === undefined ? typeNames[kind.type] : "path")
  return info.bare === undefined ? `<${word}${info.repeated ? "..." : ""}>` : `[${word}]`
}

const typeNames: Readonly<Record<ValueKind["type"], string>> = {
  text: "text",
  number: "number",
  "whole number": "n",
  boolean: "",
  choice: "name",
  list: "list",
  either: "value",
  group: "group",
  anything: "value",
}
