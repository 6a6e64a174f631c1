import { lackOfClasses } from "../../datasets/emptiness.js"
import { wholeSplit } from "../../datasets/image-folder.js"
import { type LabelledPhotos, partOfSet } from "../../datasets/labelled-photos.js"
import { classificationLoader } from "../../datasets/loader/classification-loader.js"
import { type ReadLabelledSet, readLabelled } from "../../datasets/read-labelled.js"
import type { ScoredSet } from "../classify/evaluate.js"
import { channelMeans } from "../classify/mean-picture.js"
import { makeScorer } from "../classify/scorer.js"
import { type ClassifierCheck, classificationTask } from "../classify/task.js"
import { DataError, UsageError } from "../core/errors.js"
import { type RunOptions, runLength } from "../train/run-options.js"
import { readNow } from "../weights/axes.js"
import { Checkpoint } from "../weights/checkpoint.js"
import type { ClassifierConfig } from "../weights/model-info.js"
import type { OpenClassifier } from "../weights/open-model.js"
import { weightsForClasses } from "../weights/other-classes.js"
import { classifierWeights } from "../weights/plan.js"
import { saveClassifier } from "../weights/save.js"
import { parseOptions } from "./config.js"
import type { Listener, TaskHooks } from "./hooks.js"
import { withNamedWeights } from "./named-weights.js"
import {
  type ClassifyTrainConfig,
  classifyTrainSchema,
  type GivenClassifyTrainConfig,
  storedClassifyTrainSchema,
  type TrainClassifierOptions,
} from "./options/train-classifier.js"
import { heldApart, heldOutLine, nothingHeldOut, validationOf } from "./training/box-data.js"
import { chooseBatch, mostOf } from "./training/choose-batch.js"
import { classifierLook } from "./training/classifier-look.js"
import { buildNetwork, type ClassifierStart, takeMeanPicture, unfold } from "./training/classifier-network.js"
import {
  classifierConfig,
  classifierRunOptions,
  explicitOptions,
  loaderOptions,
  recipeOf,
} from "./training/classifier-plan.js"
import { expectValidation } from "./training/expect-validation.js"
import type { ResumeChanges } from "./training/run-record.js"
import type { TrainHooks, TrainResult } from "./training/train-result.js"
import { plan, resume, type Trainer, train, trainable } from "./training/trainer.js"

/**
 * Trains a ResNet classifier, on a folder of classes or on CIFAR-10, into a run's folder.
 * @throws UsageError for options that do not go together; DataError for data or weights that cannot be used;
 * DivergedError when a loss is NaN. A run that `signal` stops is saved, and `resumeClassifier` goes on with it
 */
export const trainClassifier = async (options: TrainClassifierOptions, hooks: TrainHooks = {}): Promise<TrainResult> =>
  train(classifierTrainer, parseOptions("trainClassifier", classifyTrainSchema, options), hooks)

/** Goes on with an interrupted run, bit for bit; one that is done only tells what it came to. */
export const resumeClassifier = async (
  run: string,
  changes: ResumeChanges = {},
  hooks: TrainHooks = {},
): Promise<TrainResult> => resume(classifierTrainer, run, changes, hooks)

/** The options that `trainClassifier` would use, with nothing left open. */
export const planClassifier = async (options: TrainClassifierOptions, hooks: TaskHooks = {}): Promise<object> =>
  plan(classifierTrainer, parseOptions("trainClassifier", classifyTrainSchema, options), hooks)

interface ClassifierSets {
  readonly training: ReadLabelledSet
  readonly validation: ReadLabelledSet | undefined
  /** Names of the images that were taken from those of training to validate on. */
  readonly heldOut?: readonly string[]
}

const classifierTrainer: Trainer<
  GivenClassifyTrainConfig,
  ClassifyTrainConfig,
  ClassifierConfig,
  ClassifierSets,
  ClassifierStart
> = {
  folder: "classify",
  schema: storedClassifyTrainSchema,
  fingerprint: ({ training: { labels, classes }, heldOut }) => ({
    ...{ images: labels.length, classes },
    ...(heldOut && { heldOut }),
  }),
  read: readSets,
  async decide(asked, listener) {
    const { batch, ...given } = await withNamedWeights(asked, "resnet18", listener)
    const undecided: ClassifyTrainConfig = { ...given, ...(batch !== "auto" && { batch }) }
    const { config, ...decided } = await decideClassifier(undecided, listener)
    if (batch !== "auto") return { config, ...decided }
    return { config: { ...config, batch: await fittingBatch(config, decided, listener) }, ...decided }
  },
  explicit: (config, model, { training }) => explicitOptions(config, model, training),
  async prepare({ config, model, data: { training, validation }, ...origin }, { log }) {
    const how = loaderOptions(config, model, training)
    const loader = classificationLoader(training, how)
    const options = classifierRunOptions(config, model, training, loader.batchesPerEpoch)
    const lines: string[] = []
    const { parameters, network, folded } = buildNetwork(config, model, training, origin, (line) => {
      lines.push(line)
      log(line)
    })
    if (folded.length > 0) await unfold(network, parameters, folded, loader, log)
    const statisticsImages = exactImages(config, training)
    const { classes } = training
    let scored: ScoredSet | undefined
    const check = validation && {
      ...checkOf(validation, { config: model, classes, training: {}, network, parameters }, log),
      onScored: (one: ScoredSet) => {
        scored = one
      },
    }
    const data = { training: loader, validation: check, name: (image: number) => training.name(image) }
    log(planLine(model, config.frozen, options, loader.batchesPerEpoch, how.batchSize!, statisticsImages))
    return {
      task: trainable(classificationTask(network, parameters, data, { statisticsImages, precision: config.precision })),
      ...{ options, parameters },
      saved: {
        name: model.network,
        classes,
        save: (path, training) => saveClassifier(path, parameters, { config: model, classes, training }),
      },
      look: classifierLook(loader, training, model, validation, () => scored),
      ...(origin.start?.from && lines.length > 0 && { loaded: lines.join("\n") }),
      faults: () => loader.faults,
      close: () => loader.close(),
    }
  },
}

async function decideClassifier(config: ClassifyTrainConfig, listener: Listener) {
  if (config.frozen > 0 && config.weights === undefined) {
    throw new UsageError(`--frozen ${config.frozen} keeps layers as they are: give --weights that they come from`)
  }
  using checkpoint = config.weights === undefined ? undefined : Checkpoint.open(config.weights)
  const data = await readSets(config, listener)
  expectValidation(data.validation, config)
  const model = classifierConfig(config, data.training, checkpoint)
  const { classes } = data.training
  const from = checkpoint && {
    checkpoint,
    weights: readNow(weightsForClasses("classifier", checkpoint, classifierWeights(checkpoint), classes, listener.log)),
  }
  if (config.mean !== "pixel") return { config, model, data, start: { picture: undefined, from } }
  const picture = await takeMeanPicture(data.training, model, config.seed, listener)
  return {
    config,
    model: { ...model, mean: channelMeans(picture), meanPicture: true },
    data,
    start: { picture, from },
  }
}

/** As many images as fit into memory. */
function fittingBatch(
  config: ClassifyTrainConfig,
  { model, data }: { readonly model: ClassifierConfig; readonly data: ClassifierSets },
  listener: Listener,
) {
  const { training } = data
  const published = recipeOf(training).batch
  return chooseBatch(
    {
      of: "images",
      ...mostOf(published, "the paper's", training.labels.length),
      measured: [8, 16],
      prepare(batch, listener) {
        const one = { ...config, batch, statistics: "moving" as const, valEvery: 0 }
        const sets = { training, validation: undefined }
        return classifierTrainer.prepare({ config: one, model, data: sets, start: made }, listener)
      },
    },
    { engine: config.engine, processes: config.processes, listener },
  )
}

/** Made-up weights. */
const made: ClassifierStart = { picture: undefined, from: undefined }

async function readSets(
  config: ClassifyTrainConfig,
  listener: Listener,
  heldOut?: readonly string[],
): Promise<ClassifierSets> {
  const { data, split, valSplit, valEvery, followLinks } = config
  const training = await readLabelled(data, { split, followLinks })
  tellSet(training, listener)
  const lack = lackOfClasses(training)
  if (lack !== undefined) throw new DataError(lack)
  if (valEvery === 0) return { training, validation: undefined }
  if (training.format !== "cifar10" && training.split === wholeSplit)
    return holdOut(training, config, listener, heldOut)
  const asked = { split: valSplit, classes: training.classes, followLinks }
  const validation = await validationOf(() => readLabelled(data, asked), valSplit, listener)
  if (validation) tellSet(validation, listener)
  return { training, validation }
}

/** Divides a folder of classes or shards without splits, by the seed, with a share of each class. */
function holdOut(
  all: LabelledPhotos,
  { holdOut: share, seed, split, valSplit }: ClassifyTrainConfig,
  { log }: Listener,
  heldOut?: readonly string[],
): ClassifierSets {
  const places = Array.from(all.labels, (label, place) => ({ place, labels: [label] }))
  const parts = heldApart(places, { share, seed, heldOut }, ({ place }) => all.name(place))
  const [kept, held] = parts.map((part) => part.map(({ place }) => place))
  if (held!.length === 0) {
    log(nothingHeldOut(places.length, share))
    return { training: all, validation: undefined }
  }
  log(heldOutLine(held!.length, places.length, seed))
  const [training, validation] = [partOfSet(all, split, kept!), partOfSet(all, valSplit, held!)]
  return { training, validation, heldOut: held!.map((place) => all.name(place)) }
}

/** Over how many training images the batch norms' statistics are computed at the end; 0 keeps the moving averages. */
function exactImages({ statistics, statisticsImages }: ClassifyTrainConfig, { labels }: ReadLabelledSet): number {
  return statistics === "exact" ? Math.min(statisticsImages, labels.length) : 0
}

/** Validation by one crop, each image that cannot be read told once. */
function checkOf(set: ReadLabelledSet, classifier: OpenClassifier, log: Listener["log"]): ClassifierCheck {
  const told = new Set<string>()
  return {
    set,
    scorer: makeScorer([classifier]),
    onUnread: ({ name, message }) => {
      if (!told.has(name)) log(`${name}: skipped: ${message}`)
      told.add(name)
    },
  }
}

function planLine(
  { network, size, meanPicture }: ClassifierConfig,
  frozen: number,
  options: RunOptions,
  batches: number,
  batch: number,
  statisticsImages: number,
): string {
  const { epochs, schedule, accumulate = 1 } = options
  const { base, shape, startRate, startError } = schedule
  const start = startRate === null ? "" : `, ${startRate} until the training error is below ${100 * startError} %`
  const statistics = statisticsImages > 0 ? `exact over ${statisticsImages} images at the end` : "moving averages"
  const mean = meanPicture ? ", less the mean picture" : ""
  const still = frozen > 0 ? `, ${frozen} parts frozen` : ""
  return (
    `${network}, input ${size}x${size}${mean}${still}; learning rate ${base} (${shape})${start}; ` +
    `${epochs} epochs of ${runLength(options, batches).stepsPerEpoch} steps of ${accumulate > 1 ? `${accumulate} x ` : ""}${batch} images; batch norm statistics: ${statistics}`
  )
}

const kinds: Readonly<Record<ReadLabelledSet["format"], string>> = {
  cifar10: "CIFAR-10",
  folder: "a folder of classes",
  ilsvrc: "ImageNet as it is given out",
  webdataset: "tar shards",
}

function tellSet(set: ReadLabelledSet, { log, fault }: Listener): void {
  const { source, format, split, labels, classes, faults, notices = [] } = set
  for (const notice of notices) log(notice)
  log(`${source}: ${kinds[format]}, split ${split}: ${labels.length} images, ${classes.length} classes`)
  for (const one of faults) fault(one)
}
