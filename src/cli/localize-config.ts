import { z } from "zod"
import { engineChoices } from "../engine/names.js"
import { classRpnDefaults } from "../localize/options.js"

const shares = z.number().min(0).max(1)

/** The options of `localize train`, and their defaults; `auto` is decided from the weights, and said. */
export const localizeTrainSchema = z.strictObject({
  data: z.string(),
  /** Folder of a COCO file's images, where it is not beside the file. */
  images: z.string().optional(),
  split: z.string().default("train"),
  valSplit: z.string().default("val"),
  /** The per-class RPN, or the second stage, which learns from the first one's proposals. */
  stage: z.enum(["rpn", "rcnn"]).default("rpn"),
  /** File of the trained per-class RPN; for `rcnn` only. */
  proposals: z.string().optional(),
  /** Not given: that of the weights, else resnet18. */
  network: z.string().optional(),
  weights: z.string().optional(),
  out: z.string().optional(),
  seed: z.int().default(0),
  epochs: z.int().min(1).default(12),
  /** @source He et al. 2015, appendix C: 256 images, or 256 regions, a step; 32 is ours, for one machine's memory */
  batch: z.int().min(1).default(32),
  /** The paper does not give one for localization; ours. */
  lr: z.number().positive().default(0.05),
  schedule: z.enum(["steps", "cosine"]).default("steps"),
  /** Steps of linear warm-up; not given: the first epoch, 1000 at most. */
  warmup: z.int().min(0).optional(),
  momentum: shares.default(0.9),
  weightDecay: z.number().min(0).default(1e-4),
  clipNorm: z.number().positive().default(10),
  /** Side of a crop or warped region. @source He et al. 2015, section 3.4 and appendix C */
  size: z.int().min(16).default(224),
  /** The shorter side of a resized image is drawn between them; not given: 8/7 and 15/7 of `size`, 256 and 480 for 224. */
  shorter: z.tuple([z.int().min(1), z.int().min(1)]).optional(),
  flip: shares.default(0.5),
  /** How many stages stand before the last layers; not given: all, conv5 at stride 32. For `rpn` only. */
  stages: z.int().min(1).optional(),
  strideIn: z.enum(["3x3", "1x1"]).optional(),
  /** `auto`: frozen batch norm with trained weights, as the paper's appendix A; group norm without. */
  norm: z.enum(["auto", "frozen", "group", "batch"]).default("auto"),
  frozen: z.int().min(0).max(4).default(0),
  /** Square roots of the anchors' areas and their heights over widths; sizes not given: 2/7, 4/7 and 8/7 of `size`. */
  anchors: z
    .strictObject({
      sizes: z.array(z.number().positive()).min(1).optional(),
      ratios: z
        .array(z.number().positive())
        .min(1)
        .default([...classRpnDefaults.anchors.ratios]),
    })
    .prefault({}),
  /** For `rcnn`: regions drawn from each class of each image in an epoch, and whether batches mix images. */
  regions: z.int().min(1).default(8),
  centric: z.enum(["region", "image"]).default("region"),
  valEvery: z.int().min(0).default(1),
  /** Shorter sides at which validation, and for `rcnn` proposing, looks; not given: 8/7 of the RPN's `size`. */
  sizes: z.array(z.int().min(1)).min(1).optional(),
  logEvery: z.int().min(1).default(20),
  engine: z.enum(engineChoices).default("auto"),
})

export type LocalizeTrainConfig = z.output<typeof localizeTrainSchema>
