import { appendFile, readFile } from "node:fs/promises"
import { join } from "node:path"
import { writeWhole } from "../../datasets/atomic.js"

/** One line of a run's log: numbers by name, such as step, epoch, loss, rate. */
export type MetricsRow = Readonly<Record<string, number>>

/**
 * A run's `metrics.jsonl` (a line every few steps) and `results.csv` (a line an epoch). Appending keeps them readable
 * while the run goes on; what a resumed run would write again is cut off first.
 */
export class MetricsLog {
  readonly #steps: string
  readonly #epochs: string
  #columns: readonly string[] = []

  constructor(folder: string) {
    this.#steps = join(folder, "metrics.jsonl")
    this.#epochs = join(folder, "results.csv")
  }

  /** Drops the lines after step `step` and epoch `epoch`, left by a run that went on after its last saved state. */
  async rewind({ step, epoch }: { step: number; epoch: number }): Promise<void> {
    const lines = await linesOf(this.#steps)
    writeWhole(
      this.#steps,
      lines
        .filter((line) => stepOf(line) <= step)
        .map(withBreak)
        .join(""),
    )
    const [header, ...rows] = await linesOf(this.#epochs)
    if (header === undefined) return
    this.#columns = header.split(",")
    const at = this.#columns.indexOf("epoch")
    const kept = rows.filter((row) => Number(row.split(",")[at]) <= epoch)
    writeWhole(this.#epochs, [header, ...kept].map(withBreak).join(""))
  }

  async step(row: MetricsRow): Promise<void> {
    await appendFile(this.#steps, withBreak(JSON.stringify(row)))
  }

  /** A name that comes up later, such as a metric of the first validation, becomes a column that is empty before. */
  async epoch(row: MetricsRow): Promise<void> {
    const fresh = Object.keys(row).filter((name) => !this.#columns.includes(name))
    if (fresh.length > 0) await this.#widen(fresh)
    await appendFile(this.#epochs, withBreak(this.#columns.map((name) => row[name] ?? "").join(",")))
  }

  async #widen(names: readonly string[]): Promise<void> {
    const [, ...rows] = await linesOf(this.#epochs)
    this.#columns = [...this.#columns, ...names]
    const empty = ",".repeat(names.length)
    const lines = [this.#columns.join(","), ...rows.map((row) => row + empty)]
    writeWhole(this.#epochs, lines.map(withBreak).join(""))
  }
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
