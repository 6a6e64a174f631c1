import { type Command, InvalidArgumentError, Option } from "commander"
import { engineChoices } from "../engine/names.js"
import { atLeastOne, fraction, positive, type Rule, wholeNumber } from "../tensor/options.js"

/** Reads a flag's text as a number that keeps `rule`; commander names the flag in the error. */
export const numberFlag =
  (rule: Rule) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text)
    const expected = Number.isNaN(value) ? "a number" : rule(value)
    if (expected !== undefined) throw new InvalidArgumentError(`Expected ${expected}.`)
    return value
  }

export const positiveFlag = numberFlag(positive)
export const fractionFlag = numberFlag(fraction)
export const wholeNumberFlag = numberFlag(wholeNumber)
export const atLeastOneFlag = numberFlag(atLeastOne)

/** Reads `a,b,c` as a list of names. */
export function listFlag(text: string): string[] {
  const names = text.split(",").map((name) => name.trim())
  if (names.includes("")) throw new InvalidArgumentError("Expected names with commas between them.")
  return names
}

/** Reads `a,b,c` as numbers above 0. */
export const positivesFlag = (text: string): number[] => listFlag(text).map(positiveFlag)

/** Reads `400,500,600` as lengths in pixels. */
export function sidesFlag(text: string): number[] {
  return listFlag(text).map(atLeastOneFlag)
}

/** `--engine`, or RESDET_ENGINE. */
export function engineFlag(): Option {
  return new Option("--engine <name>", "what runs the network (default: auto)")
    .choices(engineChoices)
    .env("RESDET_ENGINE")
}

/** What can run a detector that only detects. */
export const detectEngines = ["onnx", ...engineChoices] as const

/** As `engineFlag`, where nothing learns. */
export function detectEngineFlag(): Option {
  return engineFlag().choices(detectEngines)
}

/** The flags `--config`, `--set` and `--print-config`, the same on every command that takes a configuration. */
export function addConfigFlags(command: Command): Command {
  return command
    .option("--config <file>", "read options from a YAML or JSON file")
    .option("--set <a.b=value...>", "set any option by its name; wins over flags, which win over the file")
    .option("--print-config", "print the options that would be used, and stop")
}

/** What `resolveConfig` takes from a command line. */
export interface GivenFlags {
  /** Flags (and their environment variables) that the user gave, without those of `addConfigFlags`. */
  readonly flags: Record<string, unknown>
  readonly file: string | undefined
  readonly sets: readonly string[] | undefined
  readonly printConfig: boolean
}

export function givenFlags(command: Command): GivenFlags {
  const { config, set, printConfig, ...rest } = command.opts()
  // `--no-draw` makes commander say draw: true by itself, which must not win over a file's draw: false.
  const given = Object.entries(rest).filter(([name]) => command.getOptionValueSource(name) !== "default")
  return { flags: Object.fromEntries(given), file: config, sets: set, printConfig: printConfig === true }
}
