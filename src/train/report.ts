import { escapeHtml, formatNumber, type Line, lineChart } from "./chart.js"
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
}

const lossNames = ["loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"] as const

/** Columns of `results.csv` that are no validation figures. */
const notMetrics = new Set<string>(["epoch", "loss", ...lossNames, "bestScore"])

/**
 * A training run as one HTML page that needs nothing else: curves of losses, learning rate, times and validation, the
 * figures of every epoch, classes and options. It has no scripts and follows the reader's light or dark mode.
 */
export function runReport({ title, model, classes, best, steps, epochs, config }: ReportInput): string {
  const metrics = metricNames(epochs)
  const measured = metrics.filter((name) => !name.startsWith("train_"))
  const found = bestEpoch(epochs, measured, best)
  const charts = [
    lineChart({ title: "Losses", along: "step", lines: [...lossNames, "loss"].map((name) => along(steps, name)) }),
    lineChart({
      title: "Validation",
      along: "epoch",
      dots: true,
      lines: metrics.map((name) => along(epochs, name, "epoch")),
      ...(found && { mark: { at: found.epoch, text: `best ${found.metric}` } }),
    }),
    lineChart({ title: "Learning rate", along: "step", lines: [along(steps, "rate")] }),
    lineChart({
      title: "Seconds a step",
      along: "step",
      lines: [along(steps, "stepMs", "step", 1000, "step"), along(steps, "dataMs", "step", 1000, "waiting for data")],
    }),
  ]
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
<dl class="figures">${figures(model, steps, epochs, found, best)}</dl>
<div class="charts">${charts.join("\n")}</div>
<h2>Epochs</h2>
${epochTable(epochs, metrics, found?.epoch)}
<h2>${classes.length} ${classes.length === 1 ? "class" : "classes"}</h2>
<p>${classes.map(escapeHtml).join(" · ")}</p>
${config === undefined ? "" : `<h2>Options</h2>\n<pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre>`}
</body></html>
`
}

interface BestEpoch {
  readonly epoch: number
  readonly metric: string
}

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
  return named
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`],
    )
    .join("")
}

function epochTable(epochs: readonly MetricsRow[], metrics: readonly string[], best: number | undefined): string {
  if (epochs.length === 0) return `<p class="none">No epoch is done yet.</p>`
  const columns = ["epoch", ...lossNames, "loss", ...metrics]
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

const style = `
:root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1b1b1a; --faint: #6b6a66; --rule: #dedcd6; --best: #e7f1fb;
  --line-1: #2a6fdb; --line-2: #d9622b; --line-3: #14855c; --line-4: #8a46c4; --line-5: #8d8b84 }
@media (prefers-color-scheme: dark) { :root { --paper: #1a1a19; --ink: #ecebe6; --faint: #a3a19a; --rule: #3a3936; --best: #1f3247;
  --line-1: #6ea5f4; --line-2: #ee8a58; --line-3: #45bd90; --line-4: #b98bea; --line-5: #98968f } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --faint: #555; --rule: #ccc; --best: #eee;
  --line-1: #2a6fdb; --line-2: #d9622b; --line-3: #14855c; --line-4: #8a46c4; --line-5: #8d8b84 } }
body { margin: 0 auto; max-width: 1360px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums }
h1 { font-size: 24px; margin: 0 0 12px; overflow-wrap: anywhere } h2 { font-size: 16px; margin: 24px 0 6px }
.figures { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 0 }
dt { color: var(--faint); font-size: 13px } dd { margin: 0; font-weight: 600; overflow-wrap: anywhere }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 8px 32px }
figure { margin: 0; break-inside: avoid } svg { display: block; width: 100%; height: auto }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0 0 4px; padding: 0; list-style: none; font-size: 13px }
.legend i { display: inline-block; width: 14px; height: 3px; margin: 0 6px 4px 0; print-color-adjust: exact }
svg text { fill: var(--faint); font-size: 12px } svg line { stroke: var(--rule) } svg .mark { stroke: var(--faint); stroke-dasharray: 3 3 }
polyline { fill: none; stroke: var(--line); stroke-width: 1.8; stroke-linejoin: round } circle { fill: var(--line) }
.wide { overflow-x: auto } table { border-collapse: collapse } th, td { padding: 3px 12px; text-align: right; white-space: nowrap }
th { color: var(--faint); font-weight: 500; border-bottom: 1px solid var(--rule) } .best { background: var(--best); font-weight: 600 }
.none { color: var(--faint) } p { overflow-wrap: anywhere } pre { overflow: auto; max-height: 480px; font-size: 13px }
@media print { pre { max-height: none; overflow: visible } }
`
