/**
 * The paper's shortcut options side by side (section 4.1, Table 3), on CIFAR networks: A pads with zeros where channels grow,
 * B projects there, C projects everywhere; the plain network beside them. Stops, goes on, and tells as `degradation.js`.
 * `node dist/scripts/shortcuts.js --data cifar10 [--epochs 164 --depth 20 --seeds 1,2,3 --minutes 110]`
 */
import { join } from "node:path"
import { UsageError } from "../src/core/errors.js"
import type { EngineChoice } from "../src/engine/names.js"
import { experimentFlags, minutesOf, numbersOf, runExperiment, type Variant } from "./experiment.js"
import { parseFlags } from "./flags.js"

const { values } = parseFlags({
  options: {
    ...experimentFlags,
    batch: { type: "string", default: "128" },
    epochs: { type: "string", default: "164" },
    depth: { type: "string", default: "20" },
  },
})
const { data, out = join("runs", "shortcuts"), depth } = values
if (data === undefined) throw new UsageError("shortcuts: expected --data with CIFAR-10's binary files")
const variants: Variant[] = [
  { name: "plain", options: { model: `cifar_plain${depth}` } },
  ...(["A", "B", "C"] as const).map((shortcut) => ({
    name: shortcut,
    options: { model: `cifar_resnet${depth}`, shortcut },
  })),
]
const seeds = numbersOf(values.seeds, "seeds")
await runExperiment({
  ...{ variants, seeds, out },
  epochs: Number(values.epochs),
  common: { data, engine: values.engine as EngineChoice, batch: Number(values.batch) },
  minutes: minutesOf(values.minutes),
})
