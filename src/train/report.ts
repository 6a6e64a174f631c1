import { stringify } from "yaml"
import { escapeHtml, formatNumber, type Line, lineChart } from "../report/chart.js"
import { figureList, htmlPage } from "../report/page.js"
import { type TrainingPictures, trainingPictures } from "../report/training-pictures.js"
import type { MetricsRow } from "./metrics-log.js"
import type { RunHistory } from "./run-history.js"

export interface ReportInput extends RunHistory {
  /** The run's name. */
  readonly title: string
  readonly model: string
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  /** The highest value of the run's metric so far, which an epoch's row holds too; `null` before any validation. */
  readonly best: number | null
  readonly pictures?: TrainingPictures
}

const lossNames = ["loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"] as const

const allLosses = [...lossNames, "loss"] as const

/** Columns of `results.csv` that are no validation figures of which more is better. */
const notMetrics = new Set<string>([
  "epoch",
  ...allLosses.flatMap((name) => [name, `val_${name}`]),
  ...["bestScore", "gradNorm", "rate", "seconds"],
])

/**
 * A training run as one HTML page that needs nothing else: curves of losses, learning rate, times and validation, the
 * figures of every epoch, classes and options. It has no scripts and follows the reader's light or dark mode.
 */
export function runReport({ title, model, classes, best, steps, epochs, config, pictures = {} }: ReportInput): string {
  const metrics = metricNames(epochs)
  const measured = metrics.filter((name) => !name.startsWith("train_"))
  const found = bestEpoch(epochs, measured, best)
  const hasValidationLoss = epochs.some((row) => "val_loss" in row)
  const charts = [
    lineChart({ title: "Losses", along: "step", lines: lossesOf(steps).map((name) => along(steps, name)) }),
    ...(hasValidationLoss
      ? [
          lineChart({
            title: "Losses in validation",
            along: "epoch",
            dots: true,
            lines: lossesOf(epochs, "val_").map((name) => along(epochs, `val_${name}`, "epoch", 1, shortName(name))),
          }),
        ]
      : []),
    lineChart({
      title: "Validation",
      along: "epoch",
      dots: true,
      lines: metrics.map((name) => along(epochs, name, "epoch")),
      ...(found && { mark: { at: found.epoch, text: `best ${found.metric}` } }),
    }),
    lineChart({ title: "Learning rate", along: "step", lines: [along(steps, "rate")] }),
    lineChart({ title: "Gradient norm", along: "step", lines: [along(steps, "gradNorm", "step", 1, "norm")] }),
    lineChart({
      title: "Seconds a step",
      along: "step",
      lines: [along(steps, "stepMs", "step", 1000, "step"), along(steps, "dataMs", "step", 1000, "waiting for data")],
    }),
  ]
  const body = `${figures(model, steps, epochs, found, best)}
<div class="charts">${charts.join("\n")}</div>
${trainingPictures(pictures)}<h2>Epochs</h2>
${epochTable(epochs, metrics, found?.epoch)}
<h2>${classes.length} ${classes.length === 1 ? "class" : "classes"}</h2>
<p>${classes.map(escapeHtml).join(" · ")}</p>
${config === undefined ? "" : recordSections(config as StoredRecord)}`
  return htmlPage(title, body)
}

/** What `config.json` holds, as far as it is there. */
interface StoredRecord {
  readonly config?: unknown
  readonly model?: unknown
  readonly loaded?: unknown
  readonly environment?: Readonly<Record<string, unknown>>
}

/** What the run began with, its options as `--config` takes them, its network, and what it was started on. */
function recordSections({ config, model, loaded, environment }: StoredRecord): string {
  const text = (title: string, value: string) =>
    `<h2>${title}</h2>\n<pre tabindex="0" aria-label="${title}">${escapeHtml(value)}</pre>\n`
  return [
    typeof loaded === "string" ? text("Loaded weights", loaded) : "",
    config === undefined ? "" : text("Options", stringify(config)),
    model === undefined ? "" : text("Network", stringify(model)),
    environment &&
      `<h2>Environment</h2>\n${figureList(Object.entries(environment).map(([name, value]) => [name, String(value)]))}`,
  ].join("")
}

interface BestEpoch {
  readonly epoch: number
  readonly metric: string
}

/** The losses that a run has: a classifier has fewer than a detector. */
const lossesOf = (rows: readonly MetricsRow[], prefix = "") =>
  allLosses.filter((name) => rows.some((row) => `${prefix}${name}` in row))

function metricNames(epochs: readonly MetricsRow[]): string[] {
  return [...new Set(epochs.flatMap((row) => Object.keys(row)))].filter((name) => !notMetrics.has(name))
}

/** The first epoch that reached `best`, which is stored to the last digit. */
function bestEpoch(
  epochs: readonly MetricsRow[],
  metrics: readonly string[],
  best: number | null,
): BestEpoch | undefined {
  if (best === null) return undefined
  const found = epochs.flatMap((row) => {
    const metric = metrics.find((name) => row[name] === best)
    return metric === undefined ? [] : [{ epoch: row.epoch!, metric }]
  })
  return found[0]
}

/** A column of the rows as a line; values are divided by `unit`. */
function along(rows: readonly MetricsRow[], column: string, x = "step", unit = 1, name = shortName(column)): Line {
  return { name, points: rows.map((row) => [row[x] ?? Number.NaN, (row[column] ?? Number.NaN) / unit] as const) }
}

const shortName = (column: string) => (column === "loss" ? "sum" : column.replace(/^loss_/, ""))

function figures(
  model: string,
  steps: readonly MetricsRow[],
  epochs: readonly MetricsRow[],
  found: BestEpoch | undefined,
  best: number | null,
): string {
  const last = steps.at(-1)
  const peak = steps.reduce((most, { bytes = 0 }) => Math.max(most, bytes), 0)
  const waited = sum(steps, "dataMs") / sum(steps, "stepMs")
  const named: readonly (readonly [string, string | undefined])[] = [
    ["model", model],
    ["epochs done", String(epochs.at(-1)?.epoch ?? 0)],
    ["steps logged", last && String(last.step)],
    [`best ${found?.metric ?? "value"}`, best === null ? undefined : best.toFixed(4)],
    ["best epoch", found && String(found.epoch)],
    ["last loss", last && formatNumber(last.loss ?? Number.NaN)],
    ["waiting for data", last && `${(100 * waited).toFixed(1)} % of the time`],
    ["most memory", last && `${(peak / 2 ** 30).toFixed(1)} GB`],
  ]
  return figureList(named)
}

function epochTable(epochs: readonly MetricsRow[], metrics: readonly string[], best: number | undefined): string {
  if (epochs.length === 0) return `<p class="none">No epoch is done yet.</p>`
  const columns = [
    "epoch",
    ...lossesOf(epochs),
    ...metrics,
    ...(epochs.some((row) => "val_loss" in row) ? ["val_loss"] : []),
  ]
  const cell = (row: MetricsRow, name: string) => {
    const value = row[name]
    if (value === undefined) return "<td></td>"
    return `<td>${name === "epoch" ? value : Number.isNaN(value) ? "n/a" : value.toFixed(4)}</td>`
  }
  const rows = epochs.map((row) => {
    const mark = row.epoch === best ? ' class="best"' : ""
    return `<tr${mark}>${columns.map((name) => cell(row, name)).join("")}</tr>`
  })
  const header = columns.map((name) => `<th>${escapeHtml(shortName(name))}</th>`)
  return `<div class="wide"><table><thead><tr>${header.join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`
}

function sum(rows: readonly MetricsRow[], column: string): number {
  return rows.reduce((total, row) => total + (row[column] ?? 0), 0)
}
