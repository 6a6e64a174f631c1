import { type ChartOptions, escapeHtml, lineChart, type Point } from "../report/chart.js"
import { htmlPage } from "../report/page.js"
import { pageScript } from "../report/page-script.js"
import type { MetricsRow } from "./metrics-log.js"
import type { RunHistory } from "./run-history.js"

/** A run as a page of several calls it. */
export interface NamedRun extends RunHistory {
  readonly name: string
}

/** How many colours lines have. */
export const mostRuns = 5

/**
 * Several training runs side by side as one HTML page that needs nothing else: their best figures, a chart of each figure with a
 * line for each run, and the options in which they differ.
 */
export function runsPage(runs: readonly NamedRun[]): string {
  const columns = [...new Set(runs.flatMap(({ epochs }) => epochs.flatMap(Object.keys)))].filter(
    (name) => name !== "epoch",
  )
  const figures = columns.filter((name) => name !== "loss" && !name.startsWith("loss_"))
  const chart = (title: string, along: "step" | "epoch", column: string): ChartOptions => ({
    title,
    along,
    dots: along === "epoch",
    lines: runs.map((run) => ({
      name: run.name,
      points: points(along === "epoch" ? run.epochs : run.steps, along, column),
    })),
  })
  const charts = [
    ...figures.map((name) => chart(name.replaceAll("_", " "), "epoch", name)),
    chart("loss", "step", "loss"),
    chart("learning rate", "step", "rate"),
  ]
  const body = [
    `<h2>Best figures</h2>\n${bestTable(runs, figures)}`,
    `<div class="charts">${charts.map(lineChart).join("\n")}</div>`,
    `<h2>Options that differ</h2>\n${differences(runs)}`,
  ]
  return htmlPage(`${runs.length} training runs`, body.join("\n"), pageScript)
}

function points(rows: readonly MetricsRow[], along: string, column: string): Point[] {
  return rows.map((row) => [row[along] ?? Number.NaN, row[column] ?? Number.NaN] as const)
}

/** Of a figure that is a loss or an error the lowest, else the highest. */
function bestOf({ epochs }: RunHistory, figure: string): { value: number; epoch: number } | undefined {
  const sign = /loss|error/i.test(figure) ? -1 : 1
  const measured = epochs.flatMap((row) => {
    const value = row[figure] ?? Number.NaN
    return Number.isNaN(value) ? [] : [{ value, epoch: row.epoch! }]
  })
  return measured.reduce<(typeof measured)[number] | undefined>(
    (best, one) => (best === undefined || sign * one.value > sign * best.value ? one : best),
    undefined,
  )
}

function bestTable(runs: readonly NamedRun[], figures: readonly string[]): string {
  const heading = (name: string) => `<th scope="col"><button type="button">${escapeHtml(name)}</button></th>`
  const rows = runs.map((run) => {
    const cells = figures.map((figure) => {
      const best = bestOf(run, figure)
      if (best === undefined) return `<td data-value="">n/a</td>`
      return `<td data-value="${best.value}" title="epoch ${best.epoch}">${best.value.toFixed(4)}</td>`
    })
    return `<tr><th scope="row">${escapeHtml(run.name)}</th><td>${run.epochs.at(-1)?.epoch ?? 0}</td>${cells.join("")}</tr>`
  })
  return `<div class="wide"><table class="sortable"><thead><tr>${["run", "epochs", ...figures].map(heading).join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`
}

function differences(runs: readonly NamedRun[]): string {
  const options = runs.map(({ config }) => flat((config as { config?: unknown } | undefined)?.config))
  const keys = [...new Set(options.flatMap((one) => [...one.keys()]))].filter((key) => key !== "out")
  const differing = keys.filter((key) => options.some((one) => one.get(key) !== options[0]!.get(key)))
  if (differing.length === 0) return `<p class="none">None.</p>`
  const rows = differing.map(
    (key) =>
      `<tr><th scope="row">${escapeHtml(key)}</th>${options.map((one) => `<td>${escapeHtml(one.get(key) ?? "")}</td>`).join("")}</tr>`,
  )
  const heading = runs.map(({ name }) => `<th scope="col">${escapeHtml(name)}</th>`).join("")
  return `<div class="wide"><table><thead><tr><th scope="col">option</th>${heading}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`
}

/** Values by their dotted names, as `--set` takes them. */
function flat(value: unknown, name = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new Map(value === undefined ? [] : [[name, typeof value === "string" ? value : JSON.stringify(value)]])
  }
  const inner = Object.entries(value).flatMap(([key, one]) => [...flat(one, name === "" ? key : `${name}.${key}`)])
  return new Map(inner)
}
