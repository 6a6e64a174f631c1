/**
 * The paper's degradation experiment (section 4.2, Fig. 6): plain and residual CIFAR networks of several depths, trained
 * the same way from scratch, one after the other. Each is a run of `classify train` in the folder of its name, so a second
 * call goes on where the first was stopped. After each network the curves of all are drawn into `curves.svg`.
 * `node dist/scripts/degradation.js --data cifar10 [--epochs 164 --depths 20,56 --seed 0 --out runs/degradation]`
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { networkSpec } from "../src/backbone/networks.js"
import { interruption } from "../src/cli/exit.js"
import { log, print } from "../src/cli/report.js"
import { epochLine, stepLine } from "../src/cli/train-command.js"
import { UsageError } from "../src/core/errors.js"
import type { EngineChoice } from "../src/engine/names.js"
import { resumeClassifier, trainClassifier } from "../src/tasks/train-classifier.js"
import type { TrainHooks } from "../src/tasks/training/train-result.js"
import { plotRuns, readColumn } from "./run-curves.js"

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    epochs: { type: "string", default: "164" },
    depths: { type: "string", default: "20,56" },
    seed: { type: "string", default: "0" },
    out: { type: "string", default: join("runs", "degradation") },
    engine: { type: "string", default: "auto" },
  },
})
const { data, engine } = values
if (data === undefined) throw new UsageError("degradation: expected --data with CIFAR-10's binary files")
const [epochs, seed] = [Number(values.epochs), Number(values.seed)]
const runs = values.depths
  .split(",")
  .flatMap((depth) => [`cifar_plain${depth}`, `cifar_resnet${depth}`])
  .map((name) => ({ name, folder: join(values.out, name) }))
// Before hours of training: every name must be a network's.
for (const { name } of runs) networkSpec(name)

const signal = interruption()
const hooks: TrainHooks = {
  signal,
  onLog: log,
  onStep: (report) => log(stepLine(report, epochs)),
  onEpoch: (report) => log(epochLine(report)),
}
for (const { name, folder } of runs) {
  if (signal.aborted) break
  log(`${name}:`)
  await train(name, folder)
  const begun = runs.filter((run) => existsSync(join(run.folder, "results.csv")))
  plotRuns(join(values.out, "curves.svg"), ["train_error", "top1_error"], begun)
}
for (const { name, folder } of signal.aborted ? [] : runs) {
  const last = (column: string) => readColumn(folder, column).at(-1)![1].toFixed(4)
  print(`${name}: training error ${last("train_error")}, test error ${last("top1_error")}`)
}

async function train(model: string, out: string): Promise<void> {
  if (!existsSync(join(out, "state"))) {
    await trainClassifier({ data: data!, model, epochs, seed, out, engine: engine as EngineChoice }, hooks)
  } else if (readColumn(out, "train_error").length < epochs) {
    await resumeClassifier(out, { epochs }, hooks)
  }
}
