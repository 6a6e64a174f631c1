import { z } from "zod"
import { mostRetries } from "../../train/explosion.js"
import { sgdDefaults } from "../../train/options.js"
import type { RunOptions, SaveInterval } from "../../train/run-options.js"
import { scheduleDefaults, scheduleShapes } from "../../train/schedule.js"
import { option } from "../option.js"
import { outFolder, seed } from "./shared.js"

/** How often a run tells where it stands. */
const logEvery = 20

/** Gradients are cut to this length. */
export const clipNormDefault = 10

const intervals = "steps, or minutes or hours, such as 500, 10m or 1h"
const saveInterval = z.union([z.int().min(1), z.string().regex(/^[1-9]\d*[mh]?$/, intervals)], intervals)

/** `saveEvery` as the training loop takes it. */
export function saveIntervalOf(given: z.output<typeof saveInterval>): SaveInterval {
  const [, count, unit] = /^(\d+)([mh]?)$/.exec(String(given))!
  return unit === "" ? { steps: Number(count) } : { minutes: minutesOf(String(given)) }
}

/** Of `90m` or `2h`. */
export const minutesOf = (text: string): number => Number.parseFloat(text) * (text.endsWith("h") ? 60 : 1)

const lengths = "minutes or hours, such as 90m or 1.5h"
export const duration = z.string(lengths).regex(/^(?=.*[1-9])\d+(\.\d+)?[mh]$/, lengths)

/** Options of every trainer, with their own words where they differ. */
export const runOptionsShape = (runs: string) => ({
  out: outFolder(`${runs}/trainN`),
  seed: seed(),
  momentum: option(z.number().min(0).max(1).default(sgdDefaults.momentum), {
    help: "momentum of SGD",
    source: "torchvision's detection reference, detectron2; He et al. 2016 section 3.4",
    advanced: true,
  }),
  patience: option(z.int().min(1).optional(), {
    help: "early stopping: end after N validations in a row without a better model",
    unit: "n",
    otherwise: "never",
  }),
  maxTime: option(duration.optional(), {
    help: "end after so long, as in 90m or 1.5h, with a validation; --resume goes on for as long again",
    value: "time",
    otherwise: "no limit",
  }),
  onDiverge: option(z.enum(["retry", "stop"]).default("retry"), {
    help: `when a loss explodes or is NaN: begin the epoch again with half the rate, ${mostRetries} times at most, or stop`,
    source: "Ultralytics recovers three times",
  }),
  accumulate: option(z.int().min(1).default(1), {
    help: "gradient accumulation steps: batches per optimizer step, of each process",
    unit: "batches",
  }),
  processes: option(z.int().min(1).optional(), {
    help: "processes that train together, each with batches of its own: one a GPU, or on the processor",
    unit: "n",
    otherwise: "as many as srun, torchrun or TF_CONFIG has started, else 1; --resume: those of the run",
    source: "torchrun's --nproc-per-node",
  }),
  joinTimeout: option(duration.default("10m"), {
    help: "how long processes wait for one another at the start",
    value: "time",
    source: "torchrun's rendezvous: 600 s",
    advanced: true,
  }),
  threads: option(z.int().min(1).optional(), {
    help: "threads that compute, of each process, with native TensorFlow",
    unit: "n",
    otherwise:
      "as many as cores; --processes shares them out, unless TF_NUM_INTRAOP_THREADS is set; --resume: those of the run",
    source: "TensorFlow's intra_op_parallelism_threads",
    advanced: true,
  }),
  workers: option(z.int().min(0).optional(), {
    help: "threads that load images",
    otherwise: "one less than there are cores, at most 4",
  }),
  saveEvery: option(saveInterval.default("10m"), {
    help: "save within an epoch too: every N steps, or every so many minutes or hours, as in 500, 10m, 1h",
    value: "interval",
  }),
  keep: option(z.int().min(0).default(0), {
    help: "also keep the weights of the last N epochs, as weights/epoch-<n>.safetensors",
    unit: "epochs",
  }),
  tensorboard: option(z.boolean().default(false), {
    help: "also write TensorBoard's event files, into tensorboard/ of the run's folder",
  }),
  logEvery: option(z.int().min(1).default(logEvery), {
    help: "report every N steps",
    unit: "steps",
    source: "detectron2: its writers report every 20 iterations",
    advanced: true,
  }),
})

/** How many batches make a step, over all processes. */
export const batchesPerStep = ({
  accumulate,
  processes = 1,
}: {
  accumulate: number
  processes?: number | undefined
}): number => accumulate * processes

/** What every trainer's options say of the training loop. */
export function commonRunOptions(config: z.output<z.ZodObject<ReturnType<typeof runOptionsShape>>>) {
  const { seed, saveEvery, logEvery, patience, maxTime, onDiverge } = config
  return {
    accumulate: batchesPerStep(config),
    ...{ seed, saveEvery: saveIntervalOf(saveEvery), reportEvery: logEvery, patience, onDiverge },
    maxMinutes: maxTime === undefined ? undefined : minutesOf(maxTime),
  } satisfies Partial<RunOptions>
}

export const valEvery = { help: "validate every N epochs, 0 for never", unit: "epochs" }

/** The share of the images that is held out of data without splits. */
export const holdOut = () =>
  option(z.number().min(0).max(0.9).default(0.2), {
    help: "share of the images held out to validate on, of data without splits; 0: none",
    value: "share",
    source: "scikit-learn's and Keras' usual 20 %",
  })

export const weightDecay = {
  help: "weight decay of filters and matrices; biases and norms do not decay",
  source: "torchvision's detection reference, detectron2; He et al. 2016 section 3.4",
  advanced: true,
}

export const clipNorm = (otherwise?: string) => ({
  help: "maximum gradient norm, over all parameters together",
  source: "Ultralytics: gradients are cut to a norm of 10",
  advanced: true,
  ...(otherwise === undefined ? {} : { otherwise }),
})

export const warmup = (otherwise: string) => ({ help: "steps of linear warm-up", unit: "steps", otherwise })

export const firstEpochWarmup = warmup(`the first epoch, ${scheduleDefaults.warmup} at most`)

export const plateauPatience = () =>
  option(z.int().min(1).default(scheduleDefaults.patience), {
    help: "validations without improvement before the schedule `plateau` drops the rate",
    source: "PyTorch's ReduceLROnPlateau",
    advanced: true,
  })

export const schedule = () =>
  option(z.enum(scheduleShapes).default("steps"), {
    help: "learning rate schedule: drops at certain steps, along half a cosine or a line to 0, or when validation gets no better",
  })

export const flip = {
  help: "probability of mirroring a training image",
  source: "torchvision's detection reference: RandomHorizontalFlip(0.5)",
  advanced: true,
}

export const flipDefault = 0.5

/** How many at once, or as many as fit into memory. */
export const batch = z.union([z.int().min(1), z.literal("auto")], "a whole number, 1 or more, or auto")

/** As a run's folder keeps it: decided. */
export const decidedBatch = z.int().min(1)

export const autoBatch = "; auto: what a step may take of the free memory, measured"

/** How many parts of the network do not learn. */
export const frozen = (otherwise?: string) => ({
  help: "number of frozen parts: 1 the stem, 2 the stem and layer1, ...",
  value: "parts",
  ...(otherwise === undefined ? {} : { otherwise }),
})
