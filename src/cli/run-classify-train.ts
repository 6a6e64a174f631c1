import { wholeSplit } from "../../datasets/image-folder.js"
import { labelledLoader } from "../../datasets/loader/labelled-loader.js"
import { type ReadLabelledSet, readLabelled } from "../../datasets/read-labelled.js"
import { channelMeans } from "../classify/mean-picture.js"
import { makeScorer } from "../classify/scorer.js"
import { type ClassifierCheck, classificationTask } from "../classify/task.js"
import { startEngine } from "../engine/start.js"
import { DataError, UsageError } from "../tensor/errors.js"
import type { RunOptions } from "../train/run.js"
import type { SavedModel } from "../train/run-folder.js"
import { Checkpoint } from "../weights/checkpoint.js"
import type { ClassifierConfig } from "../weights/model-info.js"
import type { OpenClassifier } from "../weights/open-model.js"
import { classifierWeights } from "../weights/plan.js"
import { saveClassifier } from "../weights/save.js"
import { buildNetwork, type ClassifierStart, takeMeanPicture, unfold } from "./classify-network.js"
import { classifierConfig, classifierRunOptions, epochsOf, loaderOptions } from "./classify-recipe.js"
import { type ClassifyTrainConfig, classifyTrainSchema } from "./classify-train-config.js"
import {
  beginRun,
  type DataPrint,
  type GivenOptions,
  type Log,
  type RunRecord,
  reopenRun,
  stateOf,
  tellFaults,
  trainInto,
  validationOf,
} from "./training-run.js"

type ClassifierRecord = RunRecord<ClassifyTrainConfig, ClassifierConfig>

interface ClassifierSets {
  readonly training: ReadLabelledSet
  readonly validation: ReadLabelledSet | undefined
}

/**
 * Trains a classifier.
 * @returns the run's folder
 */
export async function runClassifyTrain(config: ClassifyTrainConfig, signal: AbortSignal, log: Log): Promise<string> {
  const sets = await readSets(config, log)
  using checkpoint = config.weights === undefined ? undefined : Checkpoint.open(config.weights)
  const first = classifierConfig(config, sets.training, checkpoint)
  const from = checkpoint && { checkpoint, weights: classifierWeights(checkpoint) }
  checkpoint?.close()
  const isPixel = config.mean === "pixel"
  const picture = isPixel ? await takeMeanPicture(sets.training, first, config.seed, signal, log) : undefined
  const model = picture ? { ...first, mean: channelMeans(picture), meanPicture: true } : first
  const record: ClassifierRecord = { config, model, data: printOf(sets.training) }
  return trainClassifier(() => beginRun("classify", record), record, sets, { picture, from }, signal, log)
}

/** Goes on with a run that was interrupted. */
export async function resumeClassifyTrain(
  run: string,
  given: GivenOptions,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  const record: ClassifierRecord = reopenRun(run, classifyTrainSchema, given)
  const sets = await readSets(record.config, log)
  const state = stateOf(run, record, printOf(sets.training), { epochs: epochsOf(record.config, sets.training) })
  return trainClassifier(() => run, record, sets, { state }, signal, log)
}

async function trainClassifier(
  open: () => string,
  { config, model }: ClassifierRecord,
  { training, validation }: ClassifierSets,
  start: ClassifierStart,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  const how = loaderOptions(config, model, training)
  const loader = labelledLoader(training, how)
  const options = classifierRunOptions(config, model, training, loader.batchesPerEpoch)
  if (options.schedule.shape === "plateau" && (!validation || config.valEvery === 0)) {
    throw new UsageError("--set schedule=plateau drops the rate by validation: give data with a validation split")
  }
  if (config.frozen > 0 && config.weights === undefined) {
    throw new UsageError(`--set frozen=${config.frozen} keeps layers as they are: give --weights that they come from`)
  }
  const run = open()
  log(`engine: ${await startEngine(config.engine)}`)
  const { parameters, network, folded } = buildNetwork(config, model, training, start, log)
  if (folded.length > 0) await unfold(network, parameters, folded, loader, log)
  const most = Math.min(config.statisticsImages, training.labels.length)
  const statisticsImages = config.statistics === "exact" ? most : 0
  const { classes } = training
  const check = validation && checkOf(validation, { config: model, classes, training: {}, network, parameters }, log)
  const data = { training: loader, validation: check, name: (image: number) => training.name(image) }
  log(plan(model, config.frozen, options, loader.batchesPerEpoch, how.batchSize!, statisticsImages))
  const saved: SavedModel = {
    name: model.network,
    classes,
    save: (path, training) => saveClassifier(path, parameters, { config: model, classes, training }),
  }
  const prepared = {
    task: classificationTask(network, parameters, data, { statisticsImages }),
    ...{ options, parameters, saved, command: "classify train" },
    faults: () => loader.faults,
    close: () => loader.close(),
  }
  await trainInto(run, prepared, start.state, signal, log)
  return run
}

/** Validation by one crop, each image that cannot be read told once. */
function checkOf(set: ReadLabelledSet, classifier: OpenClassifier, log: Log): ClassifierCheck {
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

function plan(
  { network, size, meanPicture }: ClassifierConfig,
  frozen: number,
  { epochs, schedule }: RunOptions,
  steps: number,
  batch: number,
  statisticsImages: number,
): string {
  const { base, shape, startRate, startError } = schedule
  const start = startRate === null ? "" : `, ${startRate} until the training error is below ${100 * startError} %`
  const statistics = statisticsImages > 0 ? `exact over ${statisticsImages} images at the end` : "moving averages"
  const mean = meanPicture ? ", less the mean picture" : ""
  const still = frozen > 0 ? `, ${frozen} parts frozen` : ""
  return (
    `${network}, input ${size}x${size}${mean}${still}; learning rate ${base} (${shape})${start}; ` +
    `${epochs} epochs of ${steps} steps of ${batch} images; batch norm statistics: ${statistics}`
  )
}

async function readSets(config: ClassifyTrainConfig, log: Log): Promise<ClassifierSets> {
  const training = readLabelled(config.data, { split: config.split })
  tellSet(training, log)
  if (config.valEvery === 0) return { training, validation: undefined }
  const validation = await validationOf(() => {
    if (training.split === wholeSplit) throw new DataError(`${config.data} is not divided into train/ and val/`)
    return readLabelled(config.data, { split: config.valSplit, classes: training.classes })
  }, log)
  if (validation) tellSet(validation, log)
  return { training, validation }
}

function tellSet({ source, format, split, labels, classes, faults }: ReadLabelledSet, log: Log): void {
  const kind = format === "cifar10" ? "CIFAR-10" : "a folder of classes"
  log(`${source}: ${kind}, split ${split}: ${labels.length} images, ${classes.length} classes`)
  tellFaults(faults, `and ${faults.length} in all`, log)
}

function printOf({ labels, classes }: ReadLabelledSet): DataPrint {
  return { images: labels.length, classes }
}
