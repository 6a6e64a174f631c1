/**
 * The paper's Fig. 7 over the runs of `degradation.js`: how strongly the 3x3 layers of plain and residual networks answer,
 * behind their norms. The picture is of the first seed; the table has the mean over layers, and its spread over seeds.
 * `node dist/scripts/layer-responses.js --runs runs/degradation --data cifar10 [--networks plain-20,resnet-20,plain-56,resnet-56]`
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { log } from "../src/cli/report.js"
import { DataError, UsageError } from "../src/core/errors.js"
import type { EngineChoice } from "../src/engine/names.js"
import { layerResponses } from "../src/tasks/layer-responses.js"
import { experimentFlags, numbersOf, runFolder, spread, tellTable } from "./experiment.js"
import { parseFlags } from "./flags.js"

const { values } = parseFlags({
  options: {
    ...experimentFlags,
    runs: { type: "string", default: join("runs", "degradation") },
    networks: { type: "string", default: "plain-20,resnet-20,plain-56,resnet-56" },
  },
})
const { data, runs, out = join("runs", "layer-responses") } = values
if (data === undefined) throw new UsageError("layer-responses: expected --data with CIFAR-10's binary files")
const names = values.networks.split(",")
const means = new Map<string, number[]>(names.map((name) => [name, []]))
const depths = new Map<string, number>()
for (const [place, seed] of numbersOf(values.seeds, "seeds").entries()) {
  const files = names.map((name) => join(runFolder(runs, { name }, seed), "weights", "last.safetensors"))
  const missing = files.find((file) => !existsSync(file))
  if (missing !== undefined) {
    if (place === 0) throw new DataError(`${missing} is not there: train it with scripts/degradation.js`)
    log(`seed ${seed} is left out: ${missing} is not there`)
    continue
  }
  const { networks } = await layerResponses(
    { weights: files, data, engine: values.engine as EngineChoice, out: join(out, `seed${seed}.csv`) },
    { onLog: log },
  )
  for (const [n, { responses }] of networks.entries()) {
    const mean = responses.reduce((sum, { deviation }) => sum + deviation, 0) / responses.length
    means.get(names[n]!)!.push(mean)
    depths.set(names[n]!, responses.length)
  }
}
tellTable(out, [
  ["", "3x3 layers", "seeds", "mean standard deviation"],
  ...names.map((name) => [name, `${depths.get(name)}`, `${means.get(name)!.length}`, spread(means.get(name)!, 3)]),
])
