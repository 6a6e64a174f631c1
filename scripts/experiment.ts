/**
 * An experiment: the same training for several networks, each with several seeds. Every run is one of `classify train` in a
 * folder of its own, so that a second call goes on where the first was stopped.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { interruption } from "../src/cli/exit.js"
import { log, print } from "../src/cli/report.js"
import { epochLine, stepLine } from "../src/cli/train-command.js"
import { UsageError } from "../src/core/errors.js"
import { makeFolder, writeWhole } from "../src/core/write-whole.js"
import type { TrainClassifierOptions } from "../src/tasks/options/train-classifier.js"
import { resumeClassifier, trainClassifier } from "../src/tasks/train-classifier.js"
import type { TrainHooks } from "../src/tasks/training/train-result.js"
import { plotRuns, readColumn } from "./run-curves.js"

/** What is compared: a name in tables and pictures, and how its runs are trained. */
export interface Variant {
  readonly name: string
  readonly options: Partial<TrainClassifierOptions>
}

export interface Experiment {
  readonly variants: readonly Variant[]
  readonly seeds: readonly number[]
  readonly epochs: number
  /** Options of all runs. */
  readonly common: Pick<TrainClassifierOptions, "data"> & Partial<TrainClassifierOptions>
  readonly out: string
  /** Ends this call after so long, with everything saved. */
  readonly minutes?: number | undefined
}

/** The folder of a variant's run. */
export const runFolder = (out: string, { name }: Pick<Variant, "name">, seed: number): string =>
  join(out, `${name}-seed${seed}`)

/** What the scripts of experiments take alike. */
export const experimentFlags = {
  data: { type: "string" },
  seeds: { type: "string", default: "1,2,3" },
  out: { type: "string" },
  minutes: { type: "string" },
  engine: { type: "string", default: "auto" },
} as const

/** @throws UsageError for other than whole numbers from 0 on, separated by commas */
export function numbersOf(text: string, flag: string): number[] {
  const numbers = text.split(",").map(Number)
  if (numbers.every((number) => Number.isInteger(number) && number >= 0)) return numbers
  throw new UsageError(`--${flag}: expected whole numbers such as 1,2,3, got ${text}`)
}

/** @throws UsageError for other than a number above 0 */
export function minutesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (Number(text) > 0) return Number(text)
  throw new UsageError(`--minutes: expected a number above 0, got ${text}`)
}

/**
 * Ends a call: by Ctrl-C, or when its minutes are over. Node 20 may forget a signal made by `AbortSignal.any` of `AbortSignal.timeout`,
 * which then never aborts.
 */
export function endOf(minutes: number | undefined): AbortSignal {
  const end = new AbortController()
  interruption().addEventListener("abort", () => end.abort())
  if (minutes !== undefined) setTimeout(() => end.abort(), minutes * 60_000).unref()
  return end.signal
}

/** Trains what is not trained yet, seed by seed, draws the curves of each seed's runs after every one, and tells the errors. */
export async function runExperiment(experiment: Experiment): Promise<void> {
  await trainAll(experiment)
  tellErrors(experiment)
}

async function trainAll({ variants, seeds, epochs, common, out, minutes }: Experiment): Promise<void> {
  const signal = endOf(minutes)
  const hooks: TrainHooks = {
    signal,
    onLog: log,
    onStep: (report) => log(stepLine(report, epochs)),
    onEpoch: (report) => log(epochLine(report)),
  }
  for (const seed of seeds) {
    for (const variant of variants) {
      const folder = runFolder(out, variant, seed)
      if (signal.aborted) return
      if (isDone(folder, epochs)) continue
      log(`${variant.name}, seed ${seed}:`)
      if (existsSync(join(folder, "state"))) await resumeClassifier(folder, { epochs }, hooks)
      else await trainClassifier({ ...common, ...variant.options, epochs, seed, out: folder }, hooks)
      drawSeed(out, variants, seed)
    }
  }
}

const isDone = (folder: string, epochs: number): boolean =>
  existsSync(join(folder, "results.csv")) && readColumn(folder, "train_error").length >= epochs

function drawSeed(out: string, variants: readonly Variant[], seed: number): void {
  const runs = variants.map((variant) => ({ name: variant.name, folder: runFolder(out, variant, seed) }))
  const begun = runs.filter(({ folder }) => existsSync(join(folder, "results.csv")))
  if (begun.length > 0) plotRuns(join(out, `curves-seed${seed}.svg`), ["train_error", "top1_error"], begun)
}

/**
 * A table of last errors in percent, mean and spread (half of highest less lowest) over the seeds that are there, into
 * `<out>/table.md` and to stdout.
 */
function tellErrors({ variants, seeds, out }: Pick<Experiment, "variants" | "seeds" | "out">): void {
  const rows = variants.map((variant) => {
    const folders = seeds.map((seed) => runFolder(out, variant, seed))
    const begun = folders.filter((folder) => existsSync(join(folder, "results.csv")))
    const last = (column: string) =>
      begun.flatMap((folder) => {
        const at = readColumn(folder, column).at(-1)
        return at === undefined ? [] : [100 * at[1]]
      })
    return [variant.name, String(begun.length), spread(last("train_error")), spread(last("top1_error"))]
  })
  tellTable(out, [["", "seeds", "training error", "test error"], ...rows])
}

/** `12.3 ± 0.4`, `n/a` of nothing. */
export function spread(values: readonly number[], digits = 1): string {
  if (values.length === 0) return "n/a"
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const half = (Math.max(...values) - Math.min(...values)) / 2
  return values.length === 1 ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${half.toFixed(digits)}`
}

/** Writes a Markdown table into `<out>/table.md` and to stdout; its first row is the head. */
export function tellTable(out: string, [head = [], ...rows]: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`
  const text = [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n")
  makeFolder(out, out)
  writeWhole(join(out, "table.md"), `${text}\n`)
  print(text)
}
