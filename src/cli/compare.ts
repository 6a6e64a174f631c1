import { compareResultsSchema } from "../tasks/options/compare.js"
import { defineCommand } from "./command.js"
import { comparisonLines, documentLines } from "./compare-lines.js"

/** Two detectors' results on the same ground truth, or two documents of `eval --json`. */
export const command = defineCommand({
  schema: compareResultsSchema,
  operands: ["a", "b"],
  async run(options, { hooks }) {
    const { compareResults } = await import("../tasks/compare-results.js")
    const { of, comparison } = await compareResults(options, hooks)
    const lines = of === "results" ? comparisonLines(comparison) : documentLines(comparison)
    return { text: lines.join("\n"), document: comparison }
  },
})
