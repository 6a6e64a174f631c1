/**
 * The validation curves of finished or running runs in one picture, read from their `results.csv`.
 * `node dist/scripts/plot-runs.js --out transfer.svg --metric voc12,AP NAME=RUN [NAME=RUN ...]`
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { writeWhole } from "../datasets/atomic.js"
import { plotSvg } from "../src/cli/plot.js"
import { UsageError } from "../src/tensor/errors.js"
import type { Point } from "../src/train/chart.js"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string", default: "curves.svg" }, metric: { type: "string", default: "voc12,AP" } },
})
const runs = positionals.map((text) => {
  const [name, folder] = text.split("=")
  if (name === undefined || folder === undefined) throw new UsageError(`plot-runs: expected NAME=RUN, found ${text}`)
  return { name, file: join(folder, "results.csv") }
})
if (runs.length === 0) throw new UsageError("plot-runs: expected at least one NAME=RUN")

const charts = values.metric.split(",").map((metric) => ({
  title: metric,
  along: "epoch",
  dots: true,
  lines: runs.map(({ name, file }) => ({ name, points: readColumn(file, metric) })),
}))
writeWhole(values.out, plotSvg(charts))

/** The column against the epoch; epochs without the figure are left out. */
function readColumn(file: string, column: string): Point[] {
  const [head = "", ...rows] = readFileSync(file, "utf8").trim().split("\n")
  const names = head.split(",")
  const [x, y] = [names.indexOf("epoch"), names.indexOf(column)]
  if (x < 0 || y < 0) throw new UsageError(`plot-runs: ${file} has no column ${x < 0 ? "epoch" : column}`)
  return rows.flatMap((row) => {
    const cells = row.split(",")
    return cells[y] ? [[Number(cells[x]), Number(cells[y])] as const] : []
  })
}
