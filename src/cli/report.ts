import { statSync, writeFileSync } from "node:fs"
import { createColors } from "picocolors"
import { shownLines, shownMessage } from "../core/shown.js"
import { WriteError, writeWhole } from "../core/write-whole.js"

/** Colours for what goes to stderr: on a terminal only, and never where NO_COLOR is set. */
const colours = createColors(process.stderr.isTTY === true && !process.env.NO_COLOR)

/** A result, to stdout. */
export function print(line: string): void {
  process.stdout.write(`${shownLines(line)}\n`)
}

/** What is going on, to stderr. */
export function log(line: string): void {
  process.stderr.write(`${logged(line)}\n`)
}

/** Text for a log: each line is one, of a length that can be read. */
export const logged = (text: string): string => text.split("\n").map(shownMessage).join("\n")

/** Why the command failed, to stderr: one line, and the stack of what is a bug. */
export function complain(line: string, stack?: string): void {
  const below = stack === undefined ? "" : `\n${logged(stack)}`
  process.stderr.write(`${colours.red("error:")} ${shownMessage(line)}${below}\n`)
}

/**
 * One JSON document to a file, or to stdout for `-`; NaN, where there is nothing to measure, becomes null. A file that is
 * there stays as it is until the new one is whole; a pipe or a device is written to.
 */
export function writeJson(document: unknown, target: string): void {
  const text = `${JSON.stringify(document, null, 2)}\n`
  if (target === "-") process.stdout.write(shownLines(text))
  else if (statSync(target, { throwIfNoEntry: false })?.isFile() === false) writeThrough(target, text)
  else writeWhole(target, text)
}

function writeThrough(device: string, text: string): void {
  try {
    writeFileSync(device, text)
  } catch (error) {
    throw new WriteError(device, error)
  }
}
