import { flagName } from "../tasks/option.js"
import { trainSchema } from "../tasks/options/train-detector.js"
import { tuneSchema } from "../tasks/options/tune.js"
import type { TuneResult } from "../tasks/tune.js"
import { tuningTable } from "../tasks/tuning/table.js"
import { type CommandResult, defineCommand } from "./command.js"
import { commandWords } from "./command-words.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: tuneSchema,
  async run(options, { hooks }) {
    const { tuneDetector } = await import("../tasks/tune.js")
    return told(await tuneDetector(options, hooks))
  },
  async resume(folder, flags, { hooks }) {
    const { UsageError } = await import("../core/errors.js")
    const { budget, ...others } = flags
    const [foreign] = Object.keys(others)
    if (foreign !== undefined) {
      throw new UsageError(
        `--resume continues with the search's own options, but for --budget: leave out --${flagName(foreign)}`,
      )
    }
    const { resumeTuning } = await import("../tasks/tune.js")
    return told(await resumeTuning(folder, budget === undefined ? {} : { budget: String(budget) }, hooks))
  },
})

function told(result: TuneResult): CommandResult {
  const { folder, metric, rows, best, baseline, ended, options } = result
  const onward = `continue with: resdet tune --resume ${word(folder)}`
  if (ended === "signal") return { summary: [`stopped after ${rows.length} trials; ${onward}`], document: result }
  const { names, rows: cells } = tuningTable(rows, metric)
  const widths = names.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]!.length)))
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padStart(widths[i]!)).join("  ")
  const own = baseline?.value
  return {
    text: [names, ...cells].map(line).join("\n"),
    summary: [
      ...(ended === "budget" ? ["the budget is over before all rounds are done"] : []),
      ...(best === null ? ["no trial came to a result"] : [`best ${metric}: ${best.value!.toFixed(4)}`]),
      ...(own === undefined || own === null
        ? []
        : [`train's own options came to ${own.toFixed(4)} in the first round`]),
      `table: ${folder}/tune.csv, ${folder}/tune.html`,
      ...(best === null ? [] : [nextLine(commandWords("train", trainSchema, options))]),
    ],
    document: result,
  }
}
