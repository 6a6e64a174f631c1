import { z } from "zod"
import { type DeclaredOption, declaredOptions, flagName, placeholder } from "../tasks/option.js"
import type { CommandEntry, CommandModule } from "./command.js"

/** A command of the table with its whole name, such as `classify train`. */
export interface NamedCommand {
  readonly name: string
  readonly summary: string
  readonly module: CommandModule
}

/** Every command of a table, groups opened. */
export async function allCommands(table: readonly CommandEntry[], group = ""): Promise<NamedCommand[]> {
  const each = table.map(async (entry): Promise<NamedCommand[]> => {
    const name = group + entry.name
    if ("commands" in entry) return allCommands(entry.commands, `${name} `)
    return [{ name, summary: entry.summary, module: await entry.load() }]
  })
  return (await Promise.all(each)).flat()
}

/** docs/options.md: every option of every command. */
export function optionReference(commands: readonly NamedCommand[]): string {
  return [
    "# Options",
    "Made from the schemas by `npm run docs:options`; the same texts stand in `--help`. A key is the option's name in a",
    "configuration file (`--config`) and for `--set key=value`. Every command also takes `--config`, `--set`,",
    "`--print-config`, `--json` and `--quiet`. What stands without a flag, as `<data>`, may be given as `--data` too.",
    ...commands.map(commandSection),
    "",
  ].join("\n")
}

function commandSection({ name, summary, module }: NamedCommand): string {
  const options = declaredOptions(module.schema!).filter(({ info }) => info.only !== "code")
  const rows = options.map((option) => {
    const cells = [flagOf(option, module.operands ?? []), `\`${option.key}\``, typeText(option), defaultText(option)]
    return `| ${[...cells, option.info.help, option.info.source ?? ""].map(escaped).join(" | ")} |`
  })
  return [
    "",
    `## resdet ${name}`,
    `${summary[0]!.toUpperCase()}${summary.slice(1)}.`,
    "",
    "| flag | key | type | default | what it does | source of the default |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n")
}

function flagOf({ key, info, kind, byDefault }: DeclaredOption, operands: readonly string[]): string {
  if (info.only === "file" || key.includes(".")) return ""
  if (operands.includes(key)) return `\`<${flagName(key)}>\``
  return `\`--${kind.type === "boolean" && byDefault === true ? "no-" : ""}${flagName(key)}\``
}

function typeText(option: DeclaredOption): string {
  const { kind, info } = option
  switch (kind.type) {
    case "choice":
      return kind.choices.join(", ")
    case "list":
      return kind.item.type === "choice"
        ? `list of ${kind.item.choices.join(", ")}`
        : `list of ${plural(kind.item.type)}`
    case "either":
      return info.path === undefined ? "several forms" : "path"
    case "text":
      return info.path === undefined ? "text" : placeholder(option).slice(1, -1)
    case "number":
    case "whole number":
      return info.unit === undefined ? kind.type : `${kind.type} (${info.unit})`
    default:
      return kind.type
  }
}

const plural = (type: string) => (type === "text" ? "texts" : `${type}s`)

function defaultText({ info, byDefault, required }: DeclaredOption): string {
  if (info.otherwise !== undefined) return info.otherwise
  if (required) return "required"
  if (byDefault === undefined) return ""
  return Array.isArray(byDefault) ? byDefault.join(", ") : JSON.stringify(byDefault).replaceAll('"', "")
}

const escaped = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ")

/** A JSON schema by which editors complete and check a command's configuration file. */
export function editorSchema({ name, summary, module }: NamedCommand): object {
  const byKey = new Map<unknown, DeclaredOption>(
    declaredOptions(module.schema!).map((option) => [option.schema, option]),
  )
  const schema = z.toJSONSchema(module.schema!, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const option = byKey.get(zodSchema)
      if (option === undefined) return
      const { help, otherwise, unit } = option.info
      jsonSchema.description = help + (unit ? ` [${unit}]` : "") + (otherwise ? ` (default: ${otherwise})` : "")
    },
  }) as { properties?: Record<string, unknown>; required?: string[] }
  const { required: _, properties = {}, ...rest } = schema
  const fromCode = [...byKey.values()].filter(({ info }) => info.only === "code").map(({ key }) => key)
  // A flag may give what a file does not: nothing is required of a file.
  const kept = Object.entries(properties).filter(([key]) => !fromCode.includes(key))
  return {
    ...rest,
    title: `resdet ${name}: ${summary}`,
    properties: { $schema: { type: "string" }, ...Object.fromEntries(kept) },
  }
}

/** The file name of a command's schema, such as `classify-train.json`. */
export const schemaFile = ({ name }: Pick<NamedCommand, "name">): string => `${name.replaceAll(" ", "-")}.json`
