import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { MetricsRow } from "./metrics-log.js"

/** What a run's folder tells of it, from its first step on, however often it was resumed. */
export interface RunHistory {
  /** Rows of `metrics.jsonl`: means over a few steps. */
  readonly steps: readonly MetricsRow[]
  /** Rows of `results.csv`; a figure that was not measured is absent. */
  readonly epochs: readonly MetricsRow[]
  /** `config.json` as it stands; `undefined` where there is none. */
  readonly config: unknown
}

/**
 * Reads a run's logs. A line that is not whole, left by a run that was killed, is passed over, and so is what is no number.
 * @throws Error when a file is there and cannot be read
 */
export function readHistory(folder: string): RunHistory {
  const config = textOf(join(folder, "config.json"))
  return {
    steps: linesOf(textOf(join(folder, "metrics.jsonl"))).flatMap((line) => parsed(line).flatMap(numbersOf)),
    epochs: readTable(linesOf(textOf(join(folder, "results.csv")))),
    config: config === "" ? undefined : parsed(config)[0],
  }
}

function readTable([header, ...lines]: readonly string[]): MetricsRow[] {
  if (header === undefined) return []
  const names = header.split(",")
  const cells = lines.map((line) => line.split(",")).filter(({ length }) => length === names.length)
  return cells.map((row) => {
    const given = names.flatMap((name, i) => (row[i] === "" ? [] : [[name, Number(row[i])] as const]))
    return numbersOf(Object.fromEntries(given))[0]!
  })
}

function numbersOf(row: unknown): MetricsRow[] {
  if (typeof row !== "object" || row === null) return []
  return [Object.fromEntries(Object.entries(row).filter(([, value]) => typeof value === "number"))]
}

function parsed(text: string): unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    return []
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return ""
    throw error
  }
}

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "")
