/**
 * The paper's degradation experiment (section 4.2, Fig. 6 and Table 6): plain and residual CIFAR networks of several depths,
 * trained the same way from scratch, one after the other, with several seeds. A second call goes on where the first was
 * stopped; `--minutes` stops it. Curves of each seed go into `curves-seed<n>.svg`, last errors into `table.md`.
 * `node dist/scripts/degradation.js --data cifar10 [--epochs 164 --depths 20,32,44,56 --seeds 1,2,3 --minutes 110]`
 */
import { join } from "node:path"
import { networkSpec } from "../src/backbone/networks.js"
import { UsageError } from "../src/core/errors.js"
import type { EngineChoice } from "../src/engine/names.js"
import { experimentFlags, minutesOf, numbersOf, runExperiment } from "./experiment.js"
import { parseFlags } from "./flags.js"

const { values } = parseFlags({
  options: {
    ...experimentFlags,
    batch: { type: "string", default: "128" },
    epochs: { type: "string", default: "164" },
    depths: { type: "string", default: "20,32,44,56" },
    kinds: { type: "string", default: "plain,resnet" },
  },
})
const { data, out = join("runs", "degradation"), kinds } = values
if (data === undefined) throw new UsageError("degradation: expected --data with CIFAR-10's binary files")
const variants = numbersOf(values.depths, "depths").flatMap((depth) =>
  kinds.split(",").map((kind) => ({ name: `${kind}-${depth}`, options: { model: `cifar_${kind}${depth}` } })),
)
// Before hours of training: every name must be a network's.
for (const { options } of variants) networkSpec(options.model)
const seeds = numbersOf(values.seeds, "seeds")
await runExperiment({
  ...{ variants, seeds, out },
  epochs: Number(values.epochs),
  common: { data, engine: values.engine as EngineChoice, batch: Number(values.batch) },
  minutes: minutesOf(values.minutes),
})
