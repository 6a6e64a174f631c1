import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { DataError } from "../core/errors.js"
import { shortNames } from "../core/short-names.js"
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
  const names = shortNames(folders)
  writeWhole(out, runsPage(folders.map((folder, i) => ({ name: names[i]!, ...readHistory(folder) }))))
  return out
}
