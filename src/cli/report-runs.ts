import { reportRunsSchema } from "../tasks/options/report-runs.js"
import { defineCommand } from "./command.js"

/** Training runs side by side, as a page to look at. */
export const command = defineCommand({
  schema: reportRunsSchema,
  operands: ["runs"],
  async run(options) {
    const { reportRuns } = await import("../tasks/report-runs.js")
    const page = reportRuns(options)
    return { text: page, document: { page } }
  },
})
