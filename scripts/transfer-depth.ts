/**
 * How deep features carry over: a classifier from ImageNet weights whose first stages stay as they are, up to none, conv2,
 * conv3, conv4, and one that starts from nothing. Stops, goes on, and tells as `degradation.js`.
 * `node dist/scripts/transfer-depth.js --data one-class/classes --weights resnet18.safetensors [--epochs 3 --seeds 1,2,3]`
 */
import { join } from "node:path"
import { UsageError } from "../src/core/errors.js"
import type { EngineChoice } from "../src/engine/names.js"
import { experimentFlags, minutesOf, numbersOf, runExperiment, type Variant } from "./experiment.js"
import { parseFlags } from "./flags.js"

const { values } = parseFlags({
  options: {
    ...experimentFlags,
    weights: { type: "string" },
    model: { type: "string", default: "resnet18" },
    epochs: { type: "string", default: "3" },
    batch: { type: "string", default: "32" },
    size: { type: "string" },
    lr: { type: "string", default: "0.01" },
  },
})
const { data, weights, model, out = join("runs", "transfer-depth") } = values
if (data === undefined || weights === undefined) {
  throw new UsageError("transfer-depth: expected --data with a folder of classes, and --weights of ImageNet")
}
/** Parts of a network from the image on: the stem, then a stage each. */
const frozen: readonly Variant[] = [
  { name: "all learn", options: { weights, frozen: 0 } },
  { name: "after stage 1", options: { weights, frozen: 2 } },
  { name: "after stage 2", options: { weights, frozen: 3 } },
  { name: "after stage 3", options: { weights, frozen: 4 } },
  { name: "from nothing", options: {} },
]
const variants = frozen.map(({ name, options }) => ({
  name: name.replaceAll(" ", "-"),
  options: { model, ...options },
}))
const seeds = numbersOf(values.seeds, "seeds")
await runExperiment({
  ...{ variants, seeds, out },
  epochs: Number(values.epochs),
  common: {
    data,
    engine: values.engine as EngineChoice,
    batch: Number(values.batch),
    lr: Number(values.lr),
    ...(values.size !== undefined && { size: Number(values.size) }),
    schedule: "cosine",
    warmup: 10,
    valEvery: Number(values.epochs),
  },
  minutes: minutesOf(values.minutes),
})
