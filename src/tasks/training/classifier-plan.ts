import { channelStatistics } from "../../../datasets/image/augment.js"
import type { ClassificationLoaderOptions } from "../../../datasets/loader/classification-loader.js"
import type { ReadLabelledSet } from "../../../datasets/read-labelled.js"
import { networkSpec } from "../../backbone/networks.js"
import { UsageError } from "../../core/errors.js"
import { sgdOptions } from "../../train/options.js"
import { type RunOptions, runLength } from "../../train/run-options.js"
import { scheduleOptions } from "../../train/schedule.js"
import type { Checkpoint } from "../../weights/checkpoint.js"
import type { ClassifierConfig } from "../../weights/model-info.js"
import { expectNetwork, planInput, planNetwork } from "../../weights/plan.js"
import type { ClassifyTrainConfig } from "../options/train-classifier.js"
import { batchesPerStep, commonRunOptions } from "../options/training.js"

/**
 * What is trained how, unless the user says otherwise.
 * @source CIFAR-10: He et al. 2016 section 4.2, 64,000 steps of 128 images, drops at 32,000 and 48,000; 164 epochs:
 * fb.resnet.torch. Folders: batch 256, He et al. 2016 section 3.4; 90 epochs, drops every 30: fb.resnet.torch
 */
const recipes = {
  cifar10: { model: "cifar_resnet20", epochs: 164, batch: 128, drops: [1 / 2, 3 / 4] },
  folder: { model: "resnet18", epochs: 90, batch: 256, drops: [1 / 3, 2 / 3] },
} as const

export const recipeOf = ({ format }: Pick<ReadLabelledSet, "format">) =>
  recipes[format === "cifar10" ? format : "folder"]

/** Shortest and longest shorter side at the usual input. @source He et al. 2016 section 3.4 */
const usual = { size: 224, shorter: [256, 480] } as const

/** From how many layers on training begins at a tenth of the rate. @source He et al. 2016 section 4.2 */
const deep = 110

/** Leaves 0..255 as it is, as the paper does. */
const undivided = [1 / 255, 1 / 255, 1 / 255] as const

/**
 * Which network a run trains, and what its input is: the weights' own where they tell, and the user does not. Their mean
 * picture comes along at its own size only; a new one is yet to be taken.
 * @param checkpoint of the weights, where some are given
 */
export function classifierConfig(
  config: ClassifyTrainConfig,
  set: ReadLabelledSet,
  checkpoint: Checkpoint | undefined,
): ClassifierConfig {
  const known = checkpoint?.model.kind === "classifier" ? checkpoint.model.info.config : undefined
  const network = config.model ?? checkpoint?.origin.network ?? recipeOf(set).model
  expectNetwork(checkpoint, network)
  const options = planNetwork(checkpoint, network, config)
  const [side] = networkSpec(network, options).inputSize
  const size = config.size ?? (set.format === "cifar10" ? set.side : side)
  if (set.format === "cifar10" && size !== set.side) {
    throw new UsageError(`${set.source}: its pictures are ${set.side}x${set.side}. Leave out --size ${size}`)
  }
  const own =
    checkpoint === undefined && set.format === "cifar10" ? channelStatistics(set.pixels) : planInput(checkpoint)
  // In testing an image is as small as it gets in training: 256 of the paper's 256 to 480.
  const resize = set.format !== "cifar10" && config.shorter ? { resize: config.shorter[0] } : {}
  const mean = config.mean === undefined || config.mean === "pixel" ? own.mean : config.mean
  const std = config.std === "none" ? undivided : (config.std ?? own.std)
  const picture = config.mean === undefined && known?.meanPicture && known.size === size ? { meanPicture: true } : {}
  return { network, options, size, ...resize, mean, std, ...picture }
}

/** How the training images are shown. */
export function loaderOptions(
  config: ClassifyTrainConfig,
  { size, mean, std }: ClassifierConfig,
  set: ReadLabelledSet,
): Partial<ClassificationLoaderOptions> {
  const [least, most] = usual.shorter.map((length) => Math.round((length * size) / usual.size)) as [number, number]
  const { seed, padding, flip, colour, shorter = [least, most], workers = null } = config
  const batchSize = config.batch ?? recipeOf(set).batch
  return { batchSize, seed, size, shorter, padding, mirror: flip, colour, workers, mean, std }
}

export function classifierRunOptions(
  config: ClassifyTrainConfig,
  { network }: ClassifierConfig,
  set: ReadLabelledSet,
  batchesPerEpoch: number,
): RunOptions {
  const epochs = config.epochs ?? recipeOf(set).epochs
  const layers = Number(/\d+$/.exec(network)?.[0])
  const cautious = network.startsWith("cifar_") && layers >= deep ? config.lr / 10 : null
  const { schedule: shape, plateauPatience: patience, startError, warmup, momentum, weightDecay, clipNorm } = config
  return {
    epochs,
    ...commonRunOptions(config),
    schedule: scheduleOptions({
      base: config.lr,
      steps: runLength({ epochs, accumulate: batchesPerStep(config) }, batchesPerEpoch).steps,
      shape,
      drops: config.drops ?? recipeOf(set).drops,
      patience,
      warmup,
      startRate: config.startRate === undefined ? cautious : config.startRate,
      startError,
    }),
    sgd: sgdOptions({ momentum, weightDecay }),
    clipNorm: clipNorm ?? Number.POSITIVE_INFINITY,
    validateEvery: config.valEvery,
    metric: "accuracy",
  }
}

/** The options of a run like this one with nothing left open. */
export function explicitOptions(config: ClassifyTrainConfig, model: ClassifierConfig, set: ReadLabelledSet): object {
  const { batchSize, shorter } = loaderOptions(config, model, set)
  const { epochs, schedule } = classifierRunOptions(config, model, set, 1)
  return {
    ...config,
    model: model.network,
    epochs,
    batch: batchSize,
    drops: schedule.drops,
    startRate: schedule.startRate,
    size: model.size,
    ...(set.format !== "cifar10" && { shorter }),
    mean: config.mean === "pixel" ? "pixel" : model.mean,
    std: model.std,
    ...model.options,
  }
}
