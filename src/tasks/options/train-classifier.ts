import { z } from "zod"
import { sgdDefaults } from "../../train/options.js"
import { scheduleDefaults } from "../../train/schedule.js"
import { option } from "../option.js"
import { engine, followLinks, offline, shorterSide, strideIn, trainingPrecision, valSplit } from "./shared.js"
import {
  autoBatch,
  batch,
  clipNorm,
  decidedBatch,
  flip,
  flipDefault,
  frozen,
  holdOut,
  plateauPatience,
  runOptionsShape,
  schedule,
  valEvery,
  warmup,
  weightDecay,
} from "./training.js"

const channels = z.tuple([z.number(), z.number(), z.number()])
const positives = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()])

const paper = "He et al. 2016 section 3.4"

/** The options of `classify train`, and their defaults; what is optional here is decided from the data, and said. */
export const classifyTrainSchema = z.strictObject({
  data: option(z.string(), {
    help:
      "a folder of classes (train/<class>/, val/<class>/), also zipped; ImageNet's archives with the development kit; " +
      "tar shards, as in shards/train-{000000..000009}.tar; CIFAR-10's binary files",
    path: "single",
  }),
  followLinks,
  split: option(z.string().default("train"), { help: "training split", value: "name" }),
  valSplit: option(z.string().default("val"), valSplit),
  model: option(z.string().optional(), {
    help: "which network, such as resnet50",
    value: "name",
    otherwise: "the weights' own, else cifar_resnet20 for CIFAR-10 and resnet18 for a folder",
  }),
  holdOut: holdOut(),
  weights: option(z.string().optional(), {
    help: "start from a classifier (.safetensors); for other classes its last layer is re-initialised; or imagenet: torchvision's, fetched once",
    value: "file",
    path: "single",
  }),
  offline: offline(),
  epochs: option(z.int().min(1).optional(), {
    help: "passes over the data",
    otherwise: "90, CIFAR-10: 164",
    source: "fb.resnet.torch",
  }),
  lr: option(z.number().positive().default(0.1), { help: "learning rate", value: "rate", source: paper }),
  schedule: schedule(),
  drops: option(z.array(z.number().min(0).max(1)).optional(), {
    help: "where the rate drops to a tenth, as shares of the run",
    otherwise: "a third and two thirds; CIFAR-10: a half and three quarters",
    source: "fb.resnet.torch; He et al. 2016 section 4.2",
    advanced: true,
  }),
  plateauPatience: plateauPatience(),
  startRate: option(z.number().positive().nullable().optional(), {
    help: "learning rate until the training error is below startError",
    otherwise: "a tenth of the rate for 110 layers and more",
    source: "He et al. 2016 section 4.2",
    advanced: true,
  }),
  startError: option(z.number().min(0).max(1).default(scheduleDefaults.startError), {
    help: "training error at which startRate ends",
    source: "He et al. 2016 section 4.2",
    advanced: true,
  }),
  warmup: option(z.int().min(0).default(0), { ...warmup("none"), source: paper, advanced: true }),
  batch: option(batch.optional(), {
    help: `batch size: images a step${autoBatch}`,
    value: "images|auto",
    otherwise: "256, CIFAR-10: 128",
    source: `${paper} and 4.2`,
  }),
  weightDecay: option(z.number().min(0).default(sgdDefaults.weightDecay), weightDecay),
  clipNorm: option(z.number().positive().optional(), clipNorm("not clipped")),
  size: option(shorterSide(8).optional(), {
    help: "side of the square input",
    unit: "pixels",
    otherwise: "the network's usual one",
  }),
  shorter: option(z.tuple([shorterSide(), shorterSide()]).optional(), {
    help: "range of the shorter side that a training image is resized to",
    otherwise: "256,480 in proportion to the size",
    source: paper,
    advanced: true,
  }),
  padding: option(z.int().min(0).default(4), {
    help: "padding around a CIFAR image before it is cropped",
    unit: "pixels",
    source: "He et al. 2016 section 4.2",
    advanced: true,
  }),
  flip: option(z.number().min(0).max(1).default(flipDefault), flip),
  colour: option(z.number().min(0).default(0.1), {
    help: "standard deviation of the colour augmentation by principal components",
    source: "Krizhevsky et al. 2012, as He et al. 2016 section 3.4",
    advanced: true,
  }),
  mean: option(
    z.union([z.literal("pixel"), channels], "pixel, or three numbers, for red, green and blue in 0..1").optional(),
    {
      help: "of red, green and blue in 0..1, or `pixel`: the mean picture of the training images",
      otherwise: "the weights' own, else CIFAR-10's training pixels' and ImageNet's",
      advanced: true,
    },
  ),
  std: option(z.union([z.literal("none"), positives], "none, or three numbers above 0").optional(), {
    help: "the same for the standard deviation, or `none`: values are 0..255 less the mean",
    otherwise: "as the mean",
    formerly: ["deviation"],
    advanced: true,
  }),
  frozen: option(z.int().min(0).max(5).default(0), frozen()),
  strideIn,
  shortcut: option(z.enum(["A", "B", "C"]).optional(), {
    help: "the paper's shortcut options",
    otherwise: "the weights' own, else B (CIFAR networks: A)",
    source: "He et al. 2016 sections 4.1 and 4.2",
    advanced: true,
  }),
  zeros: option(z.enum(["after", "both"]).optional(), {
    help: "where a CIFAR network's shortcuts have their zero channels",
    otherwise: "the weights' own, else after",
    advanced: true,
  }),
  statistics: option(z.enum(["exact", "moving"]).default("exact"), {
    help: "batch norm's statistics for testing: computed at the end, or the moving averages of training",
    source: "detectron2's precise batch norm",
    advanced: true,
  }),
  statisticsImages: option(z.int().min(1).default(10_000), {
    help: "over how many images exact statistics are computed",
    unit: "images",
    source: "detectron2: precise batch norm over 200 batches, here of 50 images",
    advanced: true,
  }),
  valEvery: option(z.int().min(0).default(1), valEvery),
  ...runOptionsShape("runs/classify"),
  engine,
  precision: trainingPrecision,
})

/** As a run's folder keeps them; in 0.1.0 the patience of the schedule was called `patience`, and nothing was held out. */
export const storedClassifyTrainSchema = z.preprocess(
  (stored) => {
    const { patience, ...rest } = stored as { patience?: unknown }
    const own = "plateauPatience" in rest ? (stored as object) : { ...rest, plateauPatience: patience }
    return { holdOut: 0, ...own }
  },
  classifyTrainSchema.extend({ batch: decidedBatch.optional() }),
)

/** What the user said. */
export type GivenClassifyTrainConfig = z.output<typeof classifyTrainSchema>
export type ClassifyTrainConfig = z.output<typeof storedClassifyTrainSchema>
export type TrainClassifierOptions = z.input<typeof classifyTrainSchema>
