import { createRequire } from "node:module"
import { Command, CommanderError } from "commander"
import { LostProcessError, PeerError, UsageError, UserError } from "../core/errors.js"
import { isOutOfMemory } from "../core/out-of-memory.js"
import { didYouMean } from "../core/suggest.js"
import type { CommandEntry } from "./command.js"
import { commands } from "./commands.js"
import { endOnUnwrittenOutput, exitCodes, wasInterrupted } from "./exit.js"
import { complain } from "./report.js"

/**
 * Runs the command line.
 * @param args what follows `resdet`
 * @param table the commands there are
 * @returns the exit code; nothing is thrown
 */
export async function main(args: readonly string[], table: readonly CommandEntry[] = commands): Promise<number> {
  endOnUnwrittenOutput()
  try {
    const words = args[0] === "help" ? [...args.slice(1), "--help"] : args
    const program = await buildProgram(words, table)
    await program.parseAsync(words, { from: "user" })
    return wasInterrupted() ? exitCodes.interrupted : exitCodes.ok
  } catch (error) {
    return reportFailure(error)
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
  await addCommands(program, args, table)
  return program
}

/** Adds a table's commands to the one above them; only the file of the command that is called is loaded. */
async function addCommands(above: Command, words: readonly string[], table: readonly CommandEntry[]): Promise<void> {
  const called = table.find(({ name, alias }) => name === words[0] || (alias !== undefined && alias === words[0]))
  for (const entry of table) {
    const command = above.command(entry.name).description(entry.summary).helpCommand(false)
    if (entry.alias !== undefined) command.alias(entry.alias)
    if (entry !== called) continue
    if ("commands" in entry) await addCommands(command, words.slice(1), entry.commands)
    else (await entry.load()).configure(command)
  }
  if (called === undefined) refuseUnknown(above, words, table)
}

/** Commander knows the names too, but its error would not name the whole table. Without any it prints the help, as an error. */
function refuseUnknown(above: Command, words: readonly string[], table: readonly CommandEntry[]): void {
  const known = table.map(({ name }) => name)
  const [first] = words
  const group = above.parent === null ? "" : `${above.name()} `
  if (first !== undefined && !first.startsWith("-")) {
    throw new UsageError(`unknown command "${group}${first}".${didYouMean(first, known)} Known: ${known.join(", ")}`)
  }
}

function readVersion(): string {
  return (createRequire(import.meta.url)("resdet/package.json") as { version: string }).version
}

/** Tells why a command ended, in one line unless it is a bug. @returns the exit code */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok
    // It has been printed.
    if (error.code === "commander.help") return exitCodes.usage
    complain(oneLine(error))
    return exitCodes.usage
  }
  if (wasInterrupted() && isAbort(error)) return exitCodes.interrupted
  if (error instanceof UserError) {
    if (!isToldElsewhere(error)) complain(error.message)
    return wasInterrupted() ? exitCodes.interrupted : error.exitCode
  }
  if (isSystemError(error)) {
    complain(error.message)
    return exitCodes.error
  }
  if (isOutOfMemory(error)) {
    complain(`not enough memory (${error.message.split("\n")[0]}). Try smaller batches or images, or fewer --workers`)
    return exitCodes.error
  }
  complain("this is a bug in resdet, please report it", stackOf(error))
  return exitCodes.error
}

/** Of several processes one tells what has ended them all. */
const isToldElsewhere = (error: UserError) =>
  error instanceof PeerError || (error instanceof LostProcessError && !error.isTeller)

/** `error: unknown option '--epohcs'` + `(Did you mean --epochs?)` as one line in our own form. */
function oneLine(error: CommanderError): string {
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
  if (!(error instanceof Error)) return false
  const { code, syscall, path } = error as NodeJS.ErrnoException
  return (syscall !== undefined && path !== undefined) || diskErrors.includes(code ?? "")
}

/** What a disk says, also of a file that is open already, whose name the system then leaves out. */
const diskErrors = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG"]

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
