import { z } from "zod"
import { augmentLevels } from "../../../datasets/augment/levels.js"
import { sizeRules } from "../../core/size-rule.js"
import { defaultModel, defaultPreset, presetNames } from "../../detector/preset-names.js"
import { trainingParts } from "../../detector/training-part.js"
import { adamwRate, averageDefaults, sgdDefaults } from "../../train/options.js"
import { type RecipeName, recipeNames } from "../../train/recipes.js"
import { option } from "../option.js"
import {
  boxData,
  boxDataFromCode,
  detectorOverrides,
  engine,
  howRead,
  imagesFolder,
  inputSides,
  offline,
  ownBackbone,
  policies,
  shorterSide,
  strideIn,
  tilesShape,
  trainingPrecision,
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

/** What a run does where neither its user nor a recipe says it. */
export const trainDefaults = {
  model: defaultModel,
  split: "train",
  valSplit: "val",
  /** @source torchvision `references/detection/train.py`: 2 images a device */
  batch: 2,
  weightDecay: sgdDefaults.weightDecay,
  valEvery: 1,
} as const

/** The length of a run, unless it or a recipe is given. @source Detectron's 1x schedule */
export const defaultEpochs = 12

const norms = z.enum(["auto", "frozen", "unfolded", "batch", "group"])
const norm = (what: string) =>
  option(norms.default("auto"), {
    help: `norm of ${what}; frozen batch norm is folded into the filters, unfolded it stands behind them, as torchvision's`,
    otherwise:
      "auto: with trained weights batch norm, frozen, and unfolded with a preset other than light; group norm without",
    source: "detectron2 C4 models: frozen batch norm",
    advanced: true,
  })

/** The options of `train`. What is left out here a recipe may say, else `planTraining`, which tells what it decided. */
export const trainSchema = z.strictObject({
  data: boxData(),
  valData: boxDataFromCode("what is validated on, instead of a split of the data"),
  images: imagesFolder,
  ...howRead,
  split: option(z.string().optional(), { ...trainSplit, otherwise: `the recipe's, else ${trainDefaults.split}` }),
  classes: option(z.array(z.string()).min(1).optional(), {
    help: "train on these classes only, as in cat,dog; objects of others are left out",
    value: "names",
    otherwise: "all",
  }),
  singleClass: option(z.boolean().default(false), {
    help: "train on all objects as one class, `object`; eval has the same flag",
  }),
  valSplit: option(z.string().optional(), { ...valSplit, otherwise: `the recipe's, else ${trainDefaults.valSplit}` }),
  holdOut: holdOut(),
  model: option(z.string().optional(), {
    help: "which detector, such as fasterrcnn_resnet50_fpn",
    value: "name",
    otherwise: `that of the weights, else ${trainDefaults.model}`,
  }),
  weights: option(z.string().optional(), {
    help: "start from a backbone, a detector or torchvision weights (.safetensors, .pth); or imagenet, coco: torchvision's, fetched once",
    value: "file",
    path: "single",
  }),
  offline: offline(),
  recipe: option(z.enum(recipeNames as [RecipeName, ...RecipeName[]]).optional(), {
    help: "a published training schedule, scaled to your batch size",
  }),
  preset: option(z.enum(presetNames).optional(), {
    help: "sizes, counts and thresholds of the detector",
    otherwise: `the recipe's or the weights' own, else ${defaultPreset}`,
  }),
  epochs: option(z.int().min(1).optional(), {
    help: "passes over the data",
    otherwise: `the recipe's, else ${defaultEpochs}`,
    source: "Detectron's 1x schedule",
  }),
  steps: option(z.int().min(1).optional(), { help: "train for N steps instead of epochs", otherwise: "the recipe's" }),
  lr: option(z.number().positive().optional(), {
    help: "learning rate",
    value: "rate",
    otherwise: `the preset's rate per image times the images per step; AdamW: ${adamwRate}`,
    source: "see the presets: torchvision and detectron2 0.02 for 16 images, py-faster-rcnn 0.001 for 1",
  }),
  optimizer: option(z.enum(["sgd", "adamw"]).default("sgd"), {
    help: "SGD with momentum, or AdamW, which has a rate and a weight decay of its own unless they are given",
    source:
      "He et al. 2016 section 3.4: SGD; Loshchilov & Hutter 2019, betas of PyTorch's AdamW, rate and decay of DETR",
  }),
  backboneRate: option(z.number().min(0).max(1).default(1), {
    help: "share of the learning rate at which the ResNet's layers learn, such as 0.1",
    value: "share",
    source: "DETR `main.py`: lr_backbone is a tenth; off by default",
  }),
  biasRate: option(z.number().positive().default(1), {
    help: "how many times the learning rate biases learn at (Caffe's py-faster-rcnn: 2)",
    value: "times",
    source: "torchvision and detectron2: as the rest",
    advanced: true,
  }),
  schedule: schedule(),
  plateauPatience: plateauPatience(),
  drops: option(z.array(z.number().positive()).optional(), {
    help: "epochs (with --steps: steps) after which the learning rate drops to a tenth",
    otherwise: "after 8/12 and 11/12 of the run",
    source: "Detectron's 1x schedule",
  }),
  warmup: option(z.int().min(0).optional(), { ...firstEpochWarmup, source: "torchvision's detection reference" }),
  batch: option(batch.optional(), {
    help: `batch size${autoBatch}`,
    value: "images|auto",
    otherwise: `${trainDefaults.batch}`,
    source: "torchvision `references/detection/train.py`: 2 images a device",
  }),
  weightDecay: option(z.number().min(0).optional(), {
    ...weightDecay,
    otherwise: `the recipe's, else ${sgdDefaults.weightDecay}`,
  }),
  clipNorm: option(z.number().positive().default(clipNormDefault), clipNorm()),
  ema: option(z.boolean().default(false), {
    help: "validate and save an exponential moving average (EMA) of the weights",
  }),
  emaDecay: option(z.number().min(0).lt(1).default(averageDefaults.decay), {
    help: "decay of the EMA",
    source: "Ultralytics `ModelEMA`",
    advanced: true,
  }),
  emaRamp: option(z.number().positive().default(averageDefaults.ramp), {
    help: "steps over which the EMA's decay rises from 0",
    unit: "steps",
    source: "Ultralytics `ModelEMA`",
    advanced: true,
  }),
  repeatThreshold: option(z.number().min(0).max(1).default(0), {
    help: "repeat images of classes rarer than this share of the images (LVIS: 0.001)",
    value: "share",
    source: "detectron2 RepeatFactorTrainingSampler; off by default",
  }),
  classWeights: option(z.array(z.string()).min(1).optional(), {
    help: "weights of classes in the loss of their names: auto, by how rare each is, or some as in cat=2,dog=0.5",
    value: "auto|name=weight",
    otherwise: "1 each",
    source: "PyTorch's cross_entropy(weight); auto: scikit-learn's `balanced`",
  }),
  ...inputSides,
  sizeRule: option(z.enum(sizeRules).optional(), {
    help: "how sides of the input are rounded: exact and torchvision down, detectron2 and paper to the nearest",
    otherwise: "the preset's",
    only: "file",
  }),
  anchors: option(z.enum(["auto"]).optional(), {
    help: "auto: as many anchor sizes and ratios as the detector has, fitted to the data",
    otherwise: "the preset's, or those of a detector in the weights",
  }),
  ...tilesShape(
    "train on tiles of this side too, for small objects in large photos; detect and eval have the same flag",
  ),
  sizes: option(z.array(shorterSide(32)).min(1).optional(), {
    help: "multi-scale training: shorter sides, one drawn for each batch, as in 480,512,544",
    otherwise: "the recipe's, else the size",
  }),
  strideIn,
  part: option(z.enum(trainingParts).default("both"), {
    help: "train the RPN alone, or the head on every region alone; --alternate does both by turns",
    advanced: true,
  }),
  proposals: option(z.string().optional(), {
    help: "with --part head: a trained detector whose RPN proposes the regions",
    value: "file",
    path: "single",
    otherwise: "the detector's own RPN",
    advanced: true,
  }),
  alternate: option(z.boolean().default(false), {
    help: "4-step alternating training of a c4 detector: RPN, head, RPN, head; the last two on fixed shared layers",
    source: "Faster R-CNN (TPAMI), section 3.2: the paper's; all at once is the default, as torchvision and detectron2",
  }),
  norm: norm("the shared layers"),
  conv5Norm: norm("conv5 where it runs on regions"),
  headNorm: norm("a second pyramid's own layers and its head"),
  frozen: option(z.int().min(0).max(4).optional(), {
    ...frozen("2 with weights, 0 without"),
    source: "detectron2: FREEZE_AT 2",
  }),
  cache: option(z.enum(["ram", "disk"]).optional(), {
    help: "keep decoded photos: in memory, up to half of what is free, or in temporary files",
    otherwise: "not kept",
  }),
  flip: option(z.number().min(0).max(1).default(flipDefault), flip),
  augment: option(z.enum(augmentLevels).optional(), {
    help: "augmentation: none, light (mirror, colours, scale), or strong (also zoom-out, crops, mosaic, mixup)",
    otherwise: "the mirror image alone, see --flip",
    source: "torchvision v2, Albumentations, Ultralytics: see datasets/augment/",
  }),
  verticalFlip: option(z.number().min(0).max(1).default(0), {
    help: "probability of turning a training image upside down, for photos from above or through a microscope",
    value: "0..1",
  }),
  closeMosaic: option(z.int().min(0).optional(), {
    help: "no mosaic and mixup in the last N epochs",
    unit: "epochs",
    otherwise: "a tenth of them",
    source: "Ultralytics close_mosaic: 10 of 100",
    advanced: true,
  }),
  valEvery: option(z.int().min(0).optional(), { ...valEvery, otherwise: `${trainDefaults.valEvery}` }),
  valLoss: option(z.boolean().default(true), {
    help: "measure only mAP in validation, not the losses",
  }),
  metric: option(z.enum(["voc12", "voc07", "AP", "AP50", "AP75"]).optional(), {
    help: "metric that selects best.safetensors",
    otherwise: "voc12 for VOC data, AP for other",
  }),
  minMap: option(z.number().min(0).max(1).optional(), {
    help: "exit 4 if the best metric is below this",
    value: "0..1",
  }),
  ...runOptionsShape("runs/train"),
  engine,
  precision: trainingPrecision,
  backbone: ownBackbone(),
  detector: detectorOverrides,
  policies,
})

/** What the user said. */
export type GivenTrainConfig = z.output<typeof trainSchema>

/** The options of a run, decided: with `epochs` or `steps`, and a `preset` unless a detector goes on learning as it is. */
export const decidedTrainSchema = trainSchema
  .required({
    model: true,
    split: true,
    valSplit: true,
    weightDecay: true,
    valEvery: true,
    strideIn: true,
  })
  .extend({ batch: decidedBatch })

export type TrainConfig = z.output<typeof decidedTrainSchema>
export type TrainDetectorOptions = z.input<typeof trainSchema>
