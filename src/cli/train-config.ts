import { z } from "zod"
import { presetNames } from "../detector/presets.js"
import { engineChoices } from "../engine/names.js"
import { averageDefaults } from "../train/average.js"
import { recipes } from "../train/recipes.js"
import { sgdDefaults } from "../train/sgd.js"

const norms = z.enum(["auto", "frozen", "batch", "group"])
const policy = z.enum(["fix", "skip", "fail"])

/**
 * The options of `train`. What is left out here a recipe may say, else `planTraining`; `auto` is decided from the weights
 * and the data, and said.
 */
export const trainSchema = z.strictObject({
  data: z.string(),
  /** Folder of a COCO file's images, where it is not beside the file. */
  images: z.string().optional(),
  split: z.string().optional(),
  valSplit: z.string().optional(),
  model: z.string().optional(),
  /** What the detector is like: sizes, counts, thresholds. */
  preset: z.enum(presetNames as [string, ...string[]]).optional(),
  /** How it is trained: splits, length, drops, rate, warm-up, decay, sizes. */
  recipe: z.enum(Object.keys(recipes) as [string, ...string[]]).optional(),
  weights: z.string().optional(),
  out: z.string().optional(),
  seed: z.int().default(0),
  /** The length of the run: one of the two. */
  epochs: z.int().min(1).optional(),
  steps: z.int().min(1).optional(),
  batch: z.int().min(1).optional(),
  /** So many batches make a step. */
  accumulate: z.int().min(1).default(1),
  /** The preset's rate for one image times the images of a step when neither it nor a recipe is given. */
  lr: z.number().positive().optional(),
  schedule: z.enum(["steps", "cosine"]).default("steps"),
  /** After how many epochs the rate drops to a tenth; after how many steps where the length is in steps. */
  drops: z.array(z.number().positive()).optional(),
  /** Steps of linear warm-up; not given: the first epoch, 1000 at most, as torchvision. */
  warmup: z.int().min(0).optional(),
  momentum: z.number().min(0).max(1).default(0.9),
  weightDecay: z.number().min(0).optional(),
  /** @source Ultralytics: gradients are cut to a norm of 10 */
  clipNorm: z.number().positive().default(10),
  /** Whether a running mean of the weights is validated and saved in their place. */
  ema: z.boolean().default(false),
  emaDecay: z.number().min(0).lt(1).default(averageDefaults.decay),
  /** In about so many steps the decay rises from 0. */
  emaRamp: z.number().positive().default(averageDefaults.ramp),
  size: z.int().min(32).optional(),
  /** Shorter sides that each training batch draws one of; not given: `size`. */
  sizes: z.array(z.int().min(32)).min(1).optional(),
  maxSize: z.int().min(32).optional(),
  strideIn: z.enum(["3x3", "1x1"]).optional(),
  norm: norms.default("auto"),
  conv5Norm: norms.default("auto"),
  headNorm: norms.default("auto"),
  /** How many parts do not learn: 1 the stem, 2 the stem and layer1, ...; not given: 2 with weights, 0 without. */
  frozen: z.int().min(0).max(4).optional(),
  flip: z.number().min(0).max(1).default(0.5),
  /** Images of a class that fewer than this share of them have come several times an epoch; 0: none does. */
  repeatThreshold: z.number().min(0).max(1).default(0),
  workers: z.int().min(0).optional(),
  valEvery: z.int().min(0).optional(),
  /** What makes a model the best; not given: voc12 for VOC data, AP for other. */
  metric: z.enum(["voc12", "voc07", "AP", "AP50", "AP75"]).optional(),
  minMap: z.number().min(0).max(1).optional(),
  logEvery: z.int().min(1).default(20),
  engine: z.enum(engineChoices).default("auto"),
  /** Single values of the detector's options, such as `detector.anchors.sizes`. */
  detector: z.record(z.string(), z.unknown()).default({}),
  /** What to do about a kind of fault in the data, such as `policies.zero-area-box`. */
  policies: z.record(z.string(), policy).default({}),
})

/** What the user said. */
export type GivenTrainConfig = z.output<typeof trainSchema>

/** What a run does where neither its user nor a recipe says it. */
export const trainDefaults = {
  split: "train",
  valSplit: "val",
  /** @source torchvision `references/detection/train.py`: 2 images a device */
  batch: 2,
  weightDecay: sgdDefaults.weightDecay,
  valEvery: 1,
} as const

/** The length of a run, unless it or a recipe is given. @source Detectron's 1x schedule */
export const defaultEpochs = 12

/** The options of a run, decided: with `epochs` or `steps`, and a `preset` unless a detector goes on learning as it is. */
export const decidedTrainSchema = trainSchema.required({
  model: true,
  split: true,
  valSplit: true,
  batch: true,
  weightDecay: true,
  valEvery: true,
  strideIn: true,
})

export type TrainConfig = z.output<typeof decidedTrainSchema>
