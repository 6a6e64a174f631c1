import { readFileSync } from "node:fs"
import { Command, CommanderError } from "commander"
import { UsageError, UserError } from "../tensor/errors.js"
import { didYouMean } from "../tensor/suggest.js"
import type { CommandEntry } from "./command.js"
import { commands } from "./commands.js"
import { endQuietlyOnClosedPipe, exitCodes, wasInterrupted } from "./exit.js"
import { complain } from "./report.js"

/**
 * Runs the command line.
 * @param args what follows `resdet`
 * @param table the commands there are
 * @returns the exit code; nothing is thrown
 */
export async function main(args: readonly string[], table: readonly CommandEntry[] = commands): Promise<number> {
  endQuietlyOnClosedPipe()
  try {
    const words = args[0] === "help" ? [...args.slice(1), "--help"] : args
    const program = await buildProgram(words, table)
    await program.parseAsync(words, { from: "user" })
    return wasInterrupted() ? exitCodes.interrupted : exitCodes.ok
  } catch (error) {
    return report(error)
  }
}

async function buildProgram(args: readonly string[], table: readonly CommandEntry[]): Promise<Command> {
  const program = new Command("resdet")
    .description("Object detection and localization with ResNet backbones: train, evaluate and run Faster R-CNN.")
    .helpCommand(false)
    // Commander takes the program's own options behind a command too.
    .version(readVersion(), "--version", "print the version")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  const called = table.find(({ name }) => name === args[0])
  for (const entry of table) {
    const command = program.command(entry.name).description(entry.summary).helpCommand(false)
    if (entry === called) await (await entry.load()).configure(command, args.slice(1))
  }
  if (called === undefined) refuseUnknown(args, table)
  return program
}

/** Commander knows the names too, but its error would not name the whole table. */
function refuseUnknown(args: readonly string[], table: readonly CommandEntry[]): void {
  const known = table.map(({ name }) => name)
  const [first] = args
  if (first === undefined) throw new UsageError(`expected a command: ${known.join(", ")}. See "resdet --help"`)
  if (!first.startsWith("-")) {
    throw new UsageError(`unknown command "${first}".${didYouMean(first, known)} Known: ${known.join(", ")}`)
  }
}

function readVersion(): string {
  // From dist/src/cli up to the package's root.
  const file = new URL("../../../package.json", import.meta.url)
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok
    complain(oneLine(error))
    return exitCodes.usage
  }
  if (wasInterrupted() && isAbort(error)) return exitCodes.interrupted
  if (error instanceof UserError) {
    complain(error.message)
    return wasInterrupted() ? exitCodes.interrupted : error.exitCode
  }
  if (isSystemError(error)) {
    complain(error.message)
    return exitCodes.error
  }
  complain(`this is a bug in resdet, please report it\n${stackOf(error)}`)
  return exitCodes.error
}

/** `error: unknown option '--epohcs'` + `(Did you mean --epochs?)` as one line in our own form. */
function oneLine(error: CommanderError): string {
  if (error.code === "commander.help") return 'expected a command behind it. See "--help"'
  return error.message
    .replace(/^error: /, "")
    .replace(/\n\(Did you mean (?:one of )?(.+)\?\)/, (_, names: string) => `. Did you mean "${names}"?`)
    .replaceAll("'", '"')
    .replaceAll("\n", " ")
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError"
}

/** A full disk or a folder one may not write to: the system's line says which, a stack would say no more. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "path" in error
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
