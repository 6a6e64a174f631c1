import { z } from "zod"
import { engineChoices } from "../engine/names.js"

const channels = z.tuple([z.number(), z.number(), z.number()])
const positives = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()])

/** The options of `classify train`, and their defaults; what is optional here is decided from the data, and said. */
export const classifyTrainSchema = z.strictObject({
  data: z.string(),
  split: z.string().default("train"),
  valSplit: z.string().default("val"),
  /** Not given: the weights' own, else cifar_resnet20 for CIFAR-10 and resnet18 for a folder. */
  model: z.string().optional(),
  weights: z.string().optional(),
  out: z.string().optional(),
  seed: z.int().default(0),
  epochs: z.int().min(1).optional(),
  batch: z.int().min(1).optional(),
  /** @source He et al. 2016 sections 3.4 and 4.2, as are momentum and weight decay */
  lr: z.number().positive().default(0.1),
  schedule: z.enum(["steps", "plateau", "cosine"]).default("steps"),
  /** Where `steps` drops to a tenth, as shares of the run. */
  drops: z.array(z.number().min(0).max(1)).optional(),
  /** Validations without a better model before `plateau` drops. @source PyTorch's ReduceLROnPlateau */
  patience: z.int().min(1).default(10),
  /** The rate until the training error is below `startError`; not given: a tenth of the rate for 110 layers and more. */
  startRate: z.number().positive().nullable().optional(),
  startError: z.number().min(0).max(1).default(0.8),
  /** Steps of linear warm-up. */
  warmup: z.int().min(0).default(0),
  momentum: z.number().min(0).max(1).default(0.9),
  weightDecay: z.number().min(0).default(1e-4),
  /** Not given: gradients are not clipped. */
  clipNorm: z.number().positive().optional(),
  /** Side of the square input; not given: the network's usual one. */
  size: z.int().min(8).optional(),
  /** Shortest and longest that an image file's shorter side is made; not given: 256 and 480, in proportion to the size. */
  shorter: z.tuple([z.int().min(1), z.int().min(1)]).optional(),
  padding: z.int().min(0).default(4),
  flip: z.number().min(0).max(1).default(0.5),
  colour: z.number().min(0).default(0.1),
  /**
   * Of red, green and blue in 0..1, or `pixel`: the mean picture of the training images; not given: the weights' own, else
   * CIFAR-10's training pixels' and ImageNet's.
   */
  mean: z.union([z.literal("pixel"), channels], "pixel, or three numbers, for red, green and blue in 0..1").optional(),
  /** The same, or `none`: values are not divided by any, 0..255 less the mean. */
  std: z.union([z.literal("none"), positives], "none, or three numbers above 0").optional(),
  /** How many parts do not learn: 1 the stem, 2 the stem and layer1, ...; for weights to start from. */
  frozen: z.int().min(0).max(5).default(0),
  strideIn: z.enum(["3x3", "1x1"]).optional(),
  shortcut: z.enum(["A", "B", "C"]).optional(),
  zeros: z.enum(["after", "both"]).optional(),
  /** Batch norm's statistics for testing: computed at the end over `statisticsImages`, or those moved along in training. */
  statistics: z.enum(["exact", "moving"]).default("exact"),
  /** @source detectron2: precise batch norm over 200 batches, here of 50 images */
  statisticsImages: z.int().min(1).default(10_000),
  workers: z.int().min(0).optional(),
  valEvery: z.int().min(0).default(1),
  logEvery: z.int().min(1).default(20),
  engine: z.enum(engineChoices).default("auto"),
})

export type ClassifyTrainConfig = z.output<typeof classifyTrainSchema>
