/**
 * The validation curves of finished or running runs in one picture.
 * `node dist/scripts/plot-runs.js --out transfer.svg --metric voc12,AP NAME=RUN [NAME=RUN ...]`
 */
import { UsageError } from "../src/core/errors.js"
import { parseFlags } from "./flags.js"
import { plotRuns } from "./run-curves.js"

const { values, positionals } = parseFlags({
  allowPositionals: true,
  options: { out: { type: "string", default: "curves.svg" }, metric: { type: "string", default: "voc12,AP" } },
})
const runs = positionals.map((text) => {
  const [name, folder] = text.split("=")
  if (!name || !folder) throw new UsageError(`plot-runs: expected NAME=RUN, found ${text}`)
  return { name, folder }
})
if (runs.length === 0) throw new UsageError("plot-runs: expected at least one NAME=RUN")
plotRuns(values.out, values.metric.split(","), runs)
