/** Curves of training runs, from their `results.csv`. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DataError } from "../src/core/errors.js"
import { writeWhole } from "../src/core/write-whole.js"
import type { Point } from "../src/report/chart.js"
import { plotSvg } from "../src/train/plot.js"

export interface NamedRun {
  readonly name: string
  readonly folder: string
}

/** Draws a chart for each column, with a line for each run, as one SVG file. */
export function plotRuns(out: string, columns: readonly string[], runs: readonly NamedRun[]): void {
  const charts = columns.map((column) => ({
    title: column.replaceAll("_", " "),
    along: "epoch",
    dots: true,
    lines: runs.map(({ name, folder }) => ({ name, points: readColumn(folder, column) })),
  }))
  writeWhole(out, plotSvg(charts))
}

/**
 * A column of a run against the epoch; epochs without the figure are left out.
 * @throws DataError when the folder is no run's, or the column is not there
 */
export function readColumn(folder: string, column: string): Point[] {
  const file = join(folder, "results.csv")
  const [head = "", ...rows] = read(file).trim().split("\n")
  const names = head.split(",")
  const [x, y] = [names.indexOf("epoch"), names.indexOf(column)]
  if (x < 0 || y < 0) throw new DataError(`${file} has no column ${x < 0 ? "epoch" : column}: it has ${head}`)
  return rows.flatMap((row) => {
    const cells = row.split(",")
    return cells[y] ? [[Number(cells[x]), Number(cells[y])] as const] : []
  })
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    throw new DataError(`${file}: ${(error as Error).message}. Expected the folder of a training run`)
  }
}
