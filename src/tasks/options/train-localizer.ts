import { z } from "zod"
import { classRpnDefaults } from "../../localize/options.js"
import { sgdDefaults } from "../../train/options.js"
import { option } from "../option.js"
import {
  boxData,
  boxDataFromCode,
  engine,
  howRead,
  imagesFolder,
  offline,
  shorterSide,
  strideIn,
  trainSplit,
  valSplit,
} from "./shared.js"
import {
  autoBatch,
  batch,
  clipNorm,
  clipNormDefault,
  decidedBatch,
  firstEpochWarmup,
  flip,
  flipDefault,
  frozen,
  holdOut,
  plateauPatience,
  runOptionsShape,
  schedule,
  valEvery,
  weightDecay,
} from "./training.js"

/** The options of `localize train`, and their defaults; `auto` is decided from the weights, and said. */
export const localizeTrainSchema = z.strictObject({
  data: boxData(),
  valData: boxDataFromCode("what is validated on, instead of a split of the data"),
  images: imagesFolder,
  ...howRead,
  split: option(z.string().default("train"), trainSplit),
  valSplit: option(z.string().default("val"), valSplit),
  stage: option(z.enum(["rpn", "rcnn"]).default("rpn"), {
    help: "rpn, or rcnn: the second stage, on the proposals of the first",
  }),
  holdOut: holdOut(),
  proposals: option(z.string().optional(), {
    help: "the trained per-class RPN that proposes, for --stage rcnn",
    value: "file",
    path: "single",
  }),
  network: option(z.string().optional(), {
    help: "which network, such as resnet101",
    value: "name",
    otherwise: "the weights' own, else resnet18",
  }),
  weights: option(z.string().optional(), {
    help: "start from a classifier, a localizer or torchvision weights; or imagenet: torchvision's, fetched once",
    value: "file",
    path: "single",
  }),
  offline: offline(),
  epochs: option(z.int().min(1).default(12), { help: "passes over the data", source: "Detectron's 1x schedule" }),
  lr: option(z.number().positive().default(0.05), {
    help: "learning rate",
    value: "rate",
    source: "ours: the paper gives none for localization",
  }),
  schedule: schedule(),
  plateauPatience: plateauPatience(),
  warmup: option(z.int().min(0).optional(), { ...firstEpochWarmup, advanced: true }),
  batch: option(batch.default(32), {
    help: `batch size: crops or regions a step (the paper: 256)${autoBatch}`,
    value: "n|auto",
    source: "ours, for one machine's memory; He et al. 2016, appendix C: 256",
  }),
  weightDecay: option(z.number().min(0).default(sgdDefaults.weightDecay), weightDecay),
  clipNorm: option(z.number().positive().default(clipNormDefault), clipNorm()),
  size: option(shorterSide(16).default(224), {
    help: "side of a crop or warped region",
    unit: "pixels",
    source: "He et al. 2016 section 3.4 and appendix C",
  }),
  shorter: option(z.tuple([shorterSide(), shorterSide()]).optional(), {
    help: "range of the shorter side that an image is resized to before it is cropped",
    otherwise: "8/7 and 15/7 of the size: 256,480 for 224",
    source: "He et al. 2016 section 3.4",
    advanced: true,
  }),
  flip: option(z.number().min(0).max(1).default(flipDefault), flip),
  stages: option(z.int().min(1).optional(), {
    help: "stages before the last layers; 3 is stride 16; for --stage rpn only",
    otherwise: "all",
  }),
  strideIn,
  norm: option(z.enum(["auto", "frozen", "unfolded", "group", "batch"]).default("auto"), {
    help: "norm of the network's layers; frozen batch norm is folded into the filters, unfolded it stands behind them",
    otherwise: "auto: frozen batch norm with trained weights, group norm without",
    source: "He et al. 2016, appendix A",
    advanced: true,
  }),
  frozen: option(z.int().min(0).max(4).default(0), frozen()),
  anchors: option(
    z
      .strictObject({
        sizes: option(z.array(z.number().positive()).min(1).optional(), {
          help: "anchor sizes: square roots of their areas",
          otherwise: "2/7, 4/7 and 8/7 of the size",
        }),
        ratios: option(
          z
            .array(z.number().positive())
            .min(1)
            .default([...classRpnDefaults.anchors.ratios]),
          { help: "aspect ratios of the anchors: height over width" },
        ),
      })
      .prefault({}),
    { help: "the per-class RPN's anchors", only: "file" },
  ),
  regions: option(z.int().min(1).default(8), {
    help: "for rcnn: regions drawn from each class of each image in an epoch",
    source: "ours",
    advanced: true,
  }),
  centric: option(z.enum(["region", "image"]).default("region"), {
    help: "for rcnn: whether batches mix images (region) or not (image)",
    source: "He et al. 2016, appendix C",
    advanced: true,
  }),
  valEvery: option(z.int().min(0).default(1), valEvery),
  sizes: option(z.array(shorterSide()).min(1).optional(), {
    help: "shorter sides for validation",
    otherwise: "8/7 of the RPN's size",
    advanced: true,
  }),
  ...runOptionsShape("runs/localize"),
  engine,
})

/** The options of a run, decided. */
export const decidedLocalizeTrainSchema = localizeTrainSchema.extend({ batch: decidedBatch })

/** What the user said. */
export type GivenLocalizeTrainConfig = z.output<typeof localizeTrainSchema>
export type LocalizeTrainConfig = z.output<typeof decidedLocalizeTrainSchema>
export type TrainLocalizerOptions = z.input<typeof localizeTrainSchema>
