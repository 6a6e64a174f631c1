import { Command } from "commander"
import { declaredOptions, flagName, type ValueKind } from "../tasks/option.js"
import type { CommandEntry } from "./command.js"

/** A command as a shell completes it. */
export interface CompletedCommand {
  /** All that it is called by, such as `detect` and `predict`, or `dataset check`; empty for resdet itself. */
  readonly names: readonly string[]
  /** What may follow: names with what they are. */
  readonly commands: readonly Described[]
  readonly flags: readonly (Described & { readonly takesValue: boolean; readonly choices: readonly string[] })[]
  /** What may stand without a flag; a file where there are none. */
  readonly operands: readonly string[]
}

interface Described {
  readonly name: string
  readonly help: string
}

/** Every command of a table, groups and resdet itself included, with the flags that `--help` shows. */
export async function completionTree(table: readonly CommandEntry[]): Promise<CompletedCommand[]> {
  return groupOf([""], table, new Command("resdet"))
}

async function groupOf(
  names: readonly string[],
  table: readonly CommandEntry[],
  above: Command,
): Promise<CompletedCommand[]> {
  const commands = table.flatMap(({ name, alias, summary }) => {
    return [name, ...(alias === undefined ? [] : [alias])].map((one) => ({ name: one, help: summary }))
  })
  const own = { names, commands, flags: [help], operands: [] }
  const inner = table.map((entry) => {
    const command = above.command(entry.name)
    const under = names.flatMap((group) =>
      [entry.name, ...(entry.alias === undefined ? [] : [entry.alias])].map((name) => `${group} ${name}`.trim()),
    )
    return "commands" in entry ? groupOf(under, entry.commands, command) : leafOf(under, entry, command)
  })
  return [own, ...(await Promise.all(inner)).flat()]
}

const help = { name: "--help", help: "display help for command", takesValue: false, choices: [] }

async function leafOf(
  names: readonly string[],
  entry: Extract<CommandEntry, { readonly load: unknown }>,
  command: Command,
): Promise<CompletedCommand[]> {
  const module = await entry.load()
  module.configure(command)
  const declared = module.schema === undefined ? [] : declaredOptions(module.schema)
  const choices = new Map(declared.map(({ key, kind }) => [flagName(key), choicesOf(kind)]))
  const flags = command.options
    .filter(({ hidden, long }) => !hidden && long)
    .map(({ long, description, required, optional }) => ({
      name: long!,
      help: description,
      takesValue: required || optional,
      choices: choices.get(long!.slice(2)) ?? [],
    }))
  const operands = (module.operands ?? []).flatMap((key) => choices.get(flagName(key)) ?? [])
  return [{ names, commands: [], flags: [...flags, help], operands }]
}

/** What a value can be; of several kinds of value, the words among them. */
function choicesOf(kind: ValueKind): readonly string[] {
  if (kind.type === "choice") return kind.choices
  if (kind.type === "list") return choicesOf(kind.item)
  return kind.type === "either" ? kind.kinds.flatMap(choicesOf) : []
}
