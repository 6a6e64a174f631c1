import { z } from "zod"
import { mostRuns } from "../../train/runs-page.js"
import { option } from "../option.js"

export const reportRunsSchema = z.strictObject({
  runs: option(z.array(z.string()).min(1).max(mostRuns), {
    help: `folders of training runs, ${mostRuns} at most`,
    value: "folders",
    path: "single",
    repeated: true,
  }),
  out: option(z.string().default("runs.html"), {
    help: "the HTML file to write",
    value: "file",
    path: "single",
    written: true,
  }),
})

export type ReportRunsOptions = z.input<typeof reportRunsSchema>
