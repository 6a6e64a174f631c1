import { type Command, Option } from "commander"
import type { z } from "zod"
import { UnwrittenError, UsageError, type UserError } from "../core/errors.js"
import { expectPlace } from "../core/write-whole.js"
import { expectValues, type ResolvedConfig, resolveConfig } from "../tasks/config.js"
import { type DeclaredOption, declaredOptions, flagName, parseText, placeholder } from "../tasks/option.js"
import { expectOtherFiles } from "../tasks/own-output.js"
import { word } from "./next-command.js"
import { answeredFlags, flagsOfPairs, sameFlags } from "./other-names.js"
import { writeJson } from "./report.js"
import { openTerminal, type Terminal } from "./terminal.js"

/** What a command's file exports: it describes flags and an action, and loads what is heavy inside the action. */
export interface CommandModule {
  configure(command: Command): void
  /** The options that it takes. */
  readonly schema?: z.ZodType
  /** Those of them that stand without a flag. */
  readonly operands?: readonly string[]
}

/** A command as `resdet --help` lists it, or a group of them; its file is loaded only when the command is called. */
export type CommandEntry = {
  readonly name: string
  /** What it is called in other tools. */
  readonly alias?: string
  readonly summary: string
} & ({ readonly load: () => Promise<CommandModule> } | { readonly commands: readonly CommandEntry[] })

/** What a command came to. */
export interface CommandResult {
  /** For people, on stdout; left out where the command has printed as it went. */
  readonly text?: string
  /** What it came to, in a few lines for stderr: what was found, where it is, what to run next. */
  readonly summary?: readonly string[]
  /** For programs: what `--json` writes. */
  readonly document?: unknown
  /** What went wrong although there is a result: told at the end, with its exit code. */
  readonly failure?: UserError | undefined
}

/** A command: the options that its schema declares, a task, and the text that tells of its result. */
export interface CommandDefinition<Schema extends z.ZodType> {
  readonly schema: Schema
  /** Options that stand without a flag, in their order, such as the data of `dataset check`. */
  readonly operands?: readonly string[]
  /** What `--help` says above the flags; the command's summary when left out. */
  readonly description?: string
  run(options: z.output<Schema>, terminal: Terminal): Promise<CommandResult>
  /** Everything that would be used, decided values included, for `--print-config`; the options themselves when left out. */
  plan?(options: z.output<Schema>, terminal: Terminal): Promise<object>
  /** Goes on with what an earlier call began: `--resume <folder>`, with the flags that may stand beside it. */
  resume?(folder: string, flags: Readonly<Record<string, unknown>>, terminal: Terminal): Promise<CommandResult>
}

/** Flags of every command. */
interface CommonFlags {
  readonly config?: string
  readonly set?: readonly string[]
  readonly printConfig?: boolean
  readonly json?: string
  readonly quiet?: boolean
  readonly resume?: string | boolean
}

/**
 * What a task came to, also where a file that was asked for beside it could not be written: its result is told, and the
 * failure behind it.
 */
export async function outcomeOf<Result>(
  task: Promise<Result>,
): Promise<{ readonly result: Result; readonly failure?: UserError }> {
  try {
    return { result: await task }
  } catch (error) {
    if (!(error instanceof UnwrittenError)) throw error
    return { result: error.result as Result, failure: error }
  }
}

/** Makes the flags, the help and the action of a command from its definition. */
export function defineCommand<Schema extends z.ZodType>(definition: CommandDefinition<Schema>): CommandModule {
  const declared = declaredOptions(definition.schema).filter(({ key, info }) => isFlag(key, info.only))
  return {
    configure(command) {
      if (definition.description !== undefined) command.description(definition.description)
      const operands = definition.operands ?? []
      addOperands(
        command,
        operands.map((key) => declared.find((option) => option.key === key)!),
      )
      for (const option of declared) addFlags(command, option, operands.includes(option.key))
      if (definition.resume) command.option("--resume <folder>", "continue an interrupted run, to the same result")
      addCommonFlags(command)
      addOtherNames(command, declared)
      answerExcess(command, declared, operands)
      const hidden = declared.filter(({ info }) => info.advanced).map(({ key }) => `--${flagName(key)}`)
      if (hidden.length > 0) command.addHelpText("after", `\nMore flags (docs/options.md): ${hidden.join(", ")}`)
      command.action(() => act(command, definition))
    },
    schema: definition.schema,
    ...(definition.operands && { operands: definition.operands }),
  }
}

const isFlag = (key: string, only: string | undefined) => only === undefined && !key.includes(".")

/** A configuration file may hold them too, so that only the schema knows which are missing. */
function addOperands(command: Command, operands: readonly DeclaredOption[]): void {
  const names = operands.map(({ key, info }) => flagName(key) + (info.repeated ? "..." : ""))
  for (const [i, name] of names.entries()) command.argument(`[${name}]`, helpText(operands[i]!))
  const shown = names.map((name, i) => (operands[i]!.required ? `<${name}>` : `[${name}]`))
  if (shown.length > 0) command.usage(["[options]", ...shown].join(" "))
}

/** An operand may be given as a flag too: who has written `train --data photos` writes `dataset check --data photos`. */
function addFlags(command: Command, option: DeclaredOption, isOperand: boolean): void {
  const { key, info } = option
  const own = flagOf(option, flagName(key)).hideHelp(info.advanced === true || isOperand)
  command.addOption(own)
  for (const former of info.formerly ?? []) {
    if (isFlag(former, undefined)) command.addOption(flagOf(option, flagName(former)).hideHelp())
  }
}

function flagOf(option: DeclaredOption, name: string): Option {
  const { info, kind, byDefault } = option
  const flag = kind.type === "boolean" && byDefault === true ? `--no-${name}` : `--${name} ${placeholder(option)}`
  const made = new Option(flag.trimEnd(), helpText(option))
  if (kind.type === "boolean") return made
  const of = kind.type === "either" && info.repeated ? { type: "text" as const } : kind
  return made.argParser((text: string, before: unknown) => {
    if (!info.repeated) return parseText(text, of)
    return [...(Array.isArray(before) ? before : []), parseText(text, of.type === "list" ? of.item : of)]
  })
}

function helpText({ info, byDefault, kind }: Pick<DeclaredOption, "info" | "byDefault" | "kind">): string {
  const choices = choicesOf(kind)
  const listed =
    choices.length > 0 && !choices.every((choice) => info.help.includes(choice)) ? `: ${choices.join(", ")}` : ""
  const shown = info.otherwise ?? defaultText(byDefault)
  return `${info.help}${listed}${shown === undefined ? "" : ` (default: ${shown})`}`
}

function choicesOf(kind: DeclaredOption["kind"]): readonly string[] {
  if (kind.type === "choice") return kind.choices
  if (kind.type === "list") return choicesOf(kind.item)
  return []
}

function defaultText(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === "boolean") return undefined
  return Array.isArray(value) ? value.join(",") : String(value)
}

function addCommonFlags(command: Command): void {
  command
    .option("--config <file>", "read options from a YAML or JSON file, or from stdin with -")
    .option("--set <a.b=value...>", "set any option by its name; wins over flags, which win over the file")
    .option("--print-config", "print the options that would be used, and stop")
    .addOption(
      new Option("--json <file>", "write the result as one JSON document to a file, or to stdout with -").argParser(
        target,
      ),
    )
    .option("--quiet", "print results and errors only")
  // Of most commands there is nothing to be forbidden.
  if (!command.options.some(({ long }) => long === "--offline")) command.addOption(new Option("--offline").hideHelp())
}

/** A value where none without a flag is expected: the flag that it may have been meant for. */
function answerExcess(command: Command, declared: readonly DeclaredOption[], operands: readonly string[]): void {
  command.exitOverride((error) => {
    if (error.code !== "commander.excessArguments") throw error
    const flags = flagsOfPairs(command.args)
    if (flags.length > 0) throw new UsageError(`options are flags here: ${flags.join(" ")}`)
    const extra = command.args[operands.length]!
    const likely = isModel(extra) ? ["weights"] : operands.length > 0 ? ["out"] : ["source", "data"]
    const key = likely.find((name) => declared.some((option) => option.key === name))
    const cure = key === undefined ? "leave it out" : `write --${key} ${word(extra)}`
    throw new UsageError(`unexpected "${extra}" behind ${nameOf(command)}: ${cure}, or see --help`)
  })
}

const isModel = (path: string): boolean => /\.(safetensors|pth|pt|th|onnx)$/.test(path)

/** Flags of other tools: those that mean the same work, others are answered. */
function addOtherNames(command: Command, declared: readonly DeclaredOption[]): void {
  const isOwn = (flag: string) => command.options.some(({ long }) => long === `--${flag}`)
  for (const [flag, key] of Object.entries(sameFlags(nameOf(command)))) {
    command.addOption(flagOf(declared.find((option) => option.key === key)!, flag).hideHelp())
  }
  for (const [flag, answer] of Object.entries(answeredFlags(nameOf(command), isOwn))) {
    command.addOption(new Option(`--${flag} [value]`).hideHelp())
    command.on(`option:${flag}`, () => {
      throw new UsageError(`--${flag}: ${answer}`)
    })
  }
}

/** The values of other tools' flags, as those of ours. */
function translateOtherNames(command: Command, flags: Record<string, unknown>): void {
  for (const [flag, key] of Object.entries(sameFlags(nameOf(command)))) {
    const name = camelName(flag)
    if (flags[name] === undefined) continue
    if (flags[key] !== undefined) throw new UsageError(`--${flag} means --${flagName(key)} here: give one of them`)
    flags[key] = flags[name]
    delete flags[name]
  }
}

/** `save-crop` as commander names its value: `saveCrop`. */
const camelName = (flag: string): string => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** Scripts for 0.1.0 pass `--json` of `classify predict` no file: the next flag is none. */
function target(text: string): string {
  if (text.startsWith("--")) throw new UsageError(`--json: expected a file, or - for stdout, got "${text}"`)
  return text
}

async function act<Schema extends z.ZodType>(command: Command, definition: CommandDefinition<Schema>): Promise<void> {
  const { file, sets, printConfig, json, quiet, resume, flags } = givenFlags(command, definition)
  const terminal = openTerminal({ quiet: quiet === true, json })
  try {
    if (json !== undefined && json !== "-") expectPlace(json)
    if (resume !== undefined) {
      const idle = file !== undefined ? "config" : sets !== undefined ? "set" : undefined
      if (idle !== undefined) {
        throw new UsageError(`--resume continues with the run's own options: leave out --${idle}, or start a new run`)
      }
      expectValues(definition.schema, flags, (key) => `--${flagName(key)}`)
      return finish(await definition.resume!(resume, flags, terminal), terminal)
    }
    const { options, notices } = givenOptions(command, definition)
    for (const notice of notices) terminal.log(notice)
    if (json !== undefined) expectOtherFiles(definition.schema, options as object, { json }, definition.operands)
    if (!printConfig) return finish(await definition.run(options, terminal), terminal)
    const plan = definition.plan ? await definition.plan(options, terminal) : (options as object)
    writeJson(plan, json ?? "-")
  } finally {
    terminal.end()
  }
}

function finish({ text, summary = [], document, failure }: CommandResult, terminal: Terminal): void {
  terminal.end()
  for (const line of summary) terminal.log(line)
  if (terminal.json !== "-" && text !== undefined) terminal.print(text)
  if (terminal.json !== undefined && document !== undefined) writeJson(document, terminal.json)
  if (failure !== undefined) throw failure
}

/** The options that a command line gives, with the schema's defaults; the command has been parsed. */
export function givenOptions<Schema extends z.ZodType>(
  command: Command,
  definition: Pick<CommandDefinition<Schema>, "schema" | "operands">,
): ResolvedConfig<z.output<Schema>> {
  const { file, sets, flags } = givenFlags(command, definition)
  const variables: Record<string, string> = {}
  for (const { key, info } of declaredOptions(definition.schema)) {
    if (info.bare !== undefined && flags[key] === true) flags[key] = info.bare
    const value = info.variable && process.env[info.variable]
    if (!value || flags[key] !== undefined) continue
    flags[key] = value
    variables[key] = info.variable
  }
  const { operands } = definition
  return resolveConfig(definition.schema, { command: nameOf(command), operands, file, flags, variables, sets })
}

/** What the user gave: `--no-draw` makes commander say `draw: true` by itself, which must not win over a file. */
function givenFlags(
  command: Command,
  { schema, operands = [] }: { readonly schema: z.ZodType; readonly operands?: readonly string[] },
) {
  const given = Object.entries(command.opts()).filter(([name]) => command.getOptionValueSource(name) !== "default")
  const { config: file, set: sets, ...rest } = Object.fromEntries(given) as CommonFlags & Record<string, unknown>
  const { printConfig, json, quiet, ...flags } = rest as CommonFlags & Record<string, unknown>
  translateOtherNames(command, flags)
  // A run's folder to go on with; of some commands it is an option of their own, without a value.
  if (!declaredOptions(schema).some(({ key }) => key === "offline")) delete flags.offline
  const resume = typeof flags.resume === "string" ? flags.resume : undefined
  if (resume !== undefined) delete flags.resume
  for (const [i, key] of operands.entries()) {
    const operand: unknown = command.processedArgs[i]
    if (operand === undefined || (Array.isArray(operand) && operand.length === 0)) continue
    if (flags[key] !== undefined) throw new UsageError(`--${flagName(key)} means <${flagName(key)}>: give one of them`)
    flags[key] = operand
  }
  return { file, sets, printConfig, json, quiet, resume, flags }
}

/** Such as `classify train`. */
function nameOf(command: Command): string {
  const parent = command.parent?.parent ? `${nameOf(command.parent)} ` : ""
  return parent + command.name()
}
