import { existsSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { DataError } from "../core/errors.js"
import { writeWhole } from "../core/write-whole.js"
import { readHistory } from "../train/run-history.js"
import { runsPage } from "../train/runs-page.js"
import { parseOptions } from "./config.js"
import { type ReportRunsOptions, reportRunsSchema } from "./options/report-runs.js"

/**
 * Writes several training runs side by side as one HTML file; those that still go on as far as they are.
 * @returns the file
 * @throws DataError for a folder that is no run's
 */
export function reportRuns(given: ReportRunsOptions): string {
  const { runs, out } = parseOptions("reportRuns", reportRunsSchema, given)
  const folders = runs.map((run) => resolve(run))
  for (const [i, folder] of folders.entries()) {
    if (existsSync(join(folder, "config.json"))) continue
    throw new DataError(`${runs[i]}: expected the folder of a training run, got none with a config.json`)
  }
  const ends = folders.map((folder) => basename(folder))
  const isTold = new Set(ends).size === ends.length
  const name = (folder: string) => (isTold ? basename(folder) : join(basename(dirname(folder)), basename(folder)))
  writeWhole(out, runsPage(folders.map((folder) => ({ name: name(folder), ...readHistory(folder) }))))
  return out
}
