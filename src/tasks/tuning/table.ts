import { escapeHtml } from "../../report/chart.js"
import { figureList, htmlPage } from "../../report/page.js"
import type { TrialResult } from "./record.js"
import type { Choice } from "./search.js"

/** A trial of a round, with what it tried. */
export interface TuningRow extends TrialResult {
  readonly choice: Choice
}

/** The rows of the table, each a list of texts, below their names: last round first, best first. */
export function tuningTable(rows: readonly TuningRow[], metric: string): { names: string[]; rows: string[][] } {
  const order = [...rows].sort((a, b) => b.round - a.round || (b.value ?? -1) - (a.value ?? -1) || a.trial - b.trial)
  const names = ["round", "trial", "steps", "lr", "size", "anchors", "augment", metric, "seconds"]
  const cells = order.map(({ round, trial, steps, value, seconds, failure, choice }) => [
    ...[round, trial, steps, choice.lr, choice.size].map(String),
    ...[choice.anchors ?? "preset", choice.augment ?? "mirror"],
    value === null ? (failure ?? "failed") : value.toFixed(4),
    seconds.toFixed(0),
  ])
  return { names, rows: cells }
}

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

export const tuningCsv = (rows: readonly TuningRow[], metric: string): string => {
  const table = tuningTable(rows, metric)
  return [table.names, ...table.rows].map((cells) => `${cells.map(quoted).join(",")}\n`).join("")
}

/** The table as a page that needs nothing else. @param named what the search came to, in figures */
export function tuningPage(
  rows: readonly TuningRow[],
  metric: string,
  named: readonly (readonly [name: string, value: string | undefined])[],
): string {
  const table = tuningTable(rows, metric)
  const line = (cells: readonly string[], tag: "th" | "td") =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`
  const body = table.rows.map((cells) => line(cells, "td")).join("\n")
  return htmlPage(
    "Search for training options",
    `${figureList(named)}\n<div class="wide"><table><thead>${line(table.names, "th")}</thead><tbody>${body}</tbody></table></div>`,
  )
}
