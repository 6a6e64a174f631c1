import { appendFile, readFile, stat, truncate } from "node:fs/promises"
import { join } from "node:path"
import { writeWhole } from "../core/write-whole.js"

/** One line of a run's log: numbers by name, such as step, epoch, loss, rate. */
export type MetricsRow = Readonly<Record<string, number>>

/**
 * A run's `metrics.jsonl` (a line every few steps) and `results.csv` (a line an epoch). Appending keeps them readable
 * while the run goes on; what a resumed run would write again is cut off first.
 */
export class MetricsLog {
  readonly #steps: string
  readonly #epochs: string
  /** How much of the steps' file is whole lines, and the lines that could not be added to it, as on a full disk. */
  #whole = 0
  #unsaved = ""
  #columns: readonly string[] = []
  #rows: readonly string[] = []

  constructor(folder: string) {
    this.#steps = join(folder, "metrics.jsonl")
    this.#epochs = join(folder, "results.csv")
  }

  /** Drops the lines after step `step` and epoch `epoch`, left by a run that went on after its last saved state. */
  async rewind({ step, epoch }: { step: number; epoch: number }): Promise<void> {
    const lines = (await linesOf(this.#steps)).filter((line) => stepOf(line) <= step)
    const text = lines.map(withBreak).join("")
    writeWhole(this.#steps, text)
    this.#whole = Buffer.byteLength(text)
    const [header, ...rows] = await linesOf(this.#epochs)
    if (header === undefined) return
    this.#columns = header.split(",")
    const at = this.#columns.indexOf("epoch")
    this.#rows = rows.filter((row) => Number(row.split(",")[at]) <= epoch)
    this.#writeEpochs()
  }

  /** Adds a line, and those that could not be added before it. */
  async step(row: MetricsRow): Promise<void> {
    this.#unsaved += withBreak(JSON.stringify(row))
    // Half a line of a write that failed is cut off; a file that is gone begins again.
    const size = (await sizeOf(this.#steps)) ?? 0
    if (size > this.#whole) await truncate(this.#steps, this.#whole)
    this.#whole = Math.min(size, this.#whole)
    await appendFile(this.#steps, this.#unsaved)
    this.#whole += Buffer.byteLength(this.#unsaved)
    this.#unsaved = ""
  }

  /** A name that comes up later, such as a metric of the first validation, becomes a column that is empty before. */
  async epoch(row: MetricsRow): Promise<void> {
    const fresh = Object.keys(row).filter((name) => !this.#columns.includes(name))
    this.#columns = [...this.#columns, ...fresh]
    const empty = ",".repeat(fresh.length)
    const values = this.#columns.map((name) => row[name] ?? "")
    this.#rows = [...this.#rows.map((before) => before + empty), values.join(",")]
    this.#writeEpochs()
  }

  /** The whole table, beside and renamed: a row an epoch is little. */
  #writeEpochs(): void {
    writeWhole(this.#epochs, [this.#columns.join(","), ...this.#rows].map(withBreak).join(""))
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.size
}

function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as { step: number }).step
  } catch {
    return Number.POSITIVE_INFINITY // half a line, from a run that was killed while it wrote
  }
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return ""
    throw error
  })
  return text.split("\n").filter((line) => line !== "")
}

const withBreak = (line: string) => `${line}\n`
