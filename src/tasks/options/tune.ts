import { z } from "zod"
import { option } from "../option.js"
import { outFolder } from "./shared.js"
import { trainSchema } from "./train-detector.js"
import { duration } from "./training.js"

/** What a trial decides for itself, or what would end it early. */
const decided = {
  alternate: true,
  part: true,
  proposals: true,
  processes: true,
  threads: true,
  joinTimeout: true,
  recipe: true,
  epochs: true,
  steps: true,
  drops: true,
  sizes: true,
  warmup: true,
  batch: true,
  anchors: true,
  augment: true,
  closeMosaic: true,
  valEvery: true,
  valLoss: true,
  minMap: true,
  out: true,
  patience: true,
  maxTime: true,
  onDiverge: true,
  saveEvery: true,
  keep: true,
  tensorboard: true,
} as const

/** The options of `tune`: its own, and those of `train` that all trials share. */
export const tuneSchema = trainSchema.omit(decided).extend({
  budget: option(duration.default("30m"), { help: "how long the search may take, as in 30m or 2h", value: "time" }),
  trials: option(z.int().min(3).default(9), {
    help: "how many settings are tried in the first round; a third of them goes on to each further one",
    source: "Li et al. 2018 (Hyperband): eta 3",
  }),
  batch: option(z.int().min(1).optional(), { help: "batch size", unit: "images", otherwise: "train's, 2" }),
  out: outFolder("runs/tune/tuneN"),
})

export type TuneConfig = z.output<typeof tuneSchema>
export type TuneOptions = z.input<typeof tuneSchema>
