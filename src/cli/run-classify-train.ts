import { wholeSplit } from "../../datasets/image-folder.js"
import { type LabelledLoaderOptions, labelledLoader } from "../../datasets/loader/labelled-loader.js"
import { type ReadLabelledSet, readLabelled } from "../../datasets/read-labelled.js"
import { networkSpec } from "../backbone/networks.js"
import { ResNet } from "../backbone/resnet.js"
import { classificationTask } from "../classify/task.js"
import { startEngine } from "../engine/start.js"
import { DataError, UsageError } from "../tensor/errors.js"
import { Parameters, Scope } from "../tensor/parameters.js"
import { mixSeeds, seededRandom } from "../tensor/random.js"
import type { RunOptions } from "../train/run.js"
import type { SavedModel } from "../train/run-folder.js"
import type { SavedState } from "../train/state.js"
import { type ClassifierConfig, readClassifierInfo, saveClassifier } from "../weights/classifier-file.js"
import { describeReport, loadReport, loadWeights } from "../weights/load.js"
import { classifierConfig, classifierRunOptions, epochsOf, loaderOptions } from "./classify-recipe.js"
import { type ClassifyTrainConfig, classifyTrainSchema } from "./classify-train-config.js"
import {
  beginRun,
  type DataPrint,
  type GivenOptions,
  INITIALISE,
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
  const model = classifierConfig(config, sets.training)
  const record: ClassifierRecord = { config, model, data: printOf(sets.training) }
  return trainClassifier(() => beginRun("classify", record), record, sets, undefined, signal, log)
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
  return trainClassifier(() => run, record, sets, state, signal, log)
}

async function trainClassifier(
  open: () => string,
  { config, model }: ClassifierRecord,
  { training, validation }: ClassifierSets,
  state: SavedState | undefined,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  const how = loaderOptions(config, model, training)
  const loader = labelledLoader(training, how)
  const options = classifierRunOptions(config, model, training, loader.batchesPerEpoch)
  const tester = validation && labelledLoader(validation, testing(how))
  if (options.schedule.shape === "plateau" && (!tester || config.valEvery === 0)) {
    throw new UsageError("--set schedule=plateau drops the rate by validation: give data with a validation split")
  }
  const run = open()
  log(`engine: ${await startEngine(config.engine)}`)
  const { parameters, network } = buildNetwork(config, model, training, state, log)
  const most = Math.min(config.statisticsImages, training.labels.length)
  const statisticsImages = config.statistics === "exact" ? most : 0
  const { classes } = training
  const data = { training: loader, validation: tester, name: (image: number) => training.name(image) }
  log(plan(model, options, loader.batchesPerEpoch, how.batchSize!, statisticsImages))
  const saved: SavedModel = {
    name: model.network,
    classes,
    save: (path, training) => saveClassifier(path, parameters, { config: model, classes, training }),
  }
  const prepared = {
    task: classificationTask(network, parameters, data, { statisticsImages }),
    ...{ options, parameters, saved, command: "classify train" },
    faults: () => [...loader.faults, ...(tester?.faults ?? [])],
    close: async () => void (await Promise.all([loader.close(), tester?.close()])),
  }
  await trainInto(run, prepared, state, signal, log)
  return run
}

/** Validation needs no gradients, and its batches are many images of which each is small. */
function testing(how: Partial<LabelledLoaderOptions>): Partial<LabelledLoaderOptions> {
  return { ...how, views: "testing", batchSize: Math.min(how.batchSize!, 64) }
}

function buildNetwork(
  { weights: file, seed }: ClassifyTrainConfig,
  { network: name, options }: ClassifierConfig,
  { classes }: ReadLabelledSet,
  state: SavedState | undefined,
  log: Log,
) {
  const weights = state?.weights ?? (file === undefined ? undefined : loadWeights(file, { norm: "batch" }).weights)
  const parameters = new Parameters(seededRandom(mixSeeds(seed, INITIALISE)), weights)
  const network = new ResNet(new Scope(parameters), networkSpec(name, options), { classes: classes.length })
  if (state !== undefined || file === undefined) return { parameters, network }
  const report = loadReport(parameters)
  if (!report.loaded.some((name) => name !== "fc.bias")) {
    throw new DataError(`${file}: nothing in it fits a ${name}. Expected a classifier's weights by torchvision's names`)
  }
  log(`${file}:\n${describeReport(report)}`)
  if (report.mismatched.some((name) => name.startsWith("fc."))) {
    const known = readClassifierInfo(file)?.classes.length ?? weights?.get("fc.bias")?.shape[0]
    log(`fc is made new: the weights know ${known} classes, the data have ${classes.length}`)
  }
  return { parameters, network }
}

function plan(
  { network, size }: ClassifierConfig,
  { epochs, schedule }: RunOptions,
  steps: number,
  batch: number,
  statisticsImages: number,
): string {
  const { base, shape, startRate, startError } = schedule
  const start = startRate === null ? "" : `, ${startRate} until the training error is below ${100 * startError} %`
  const statistics = statisticsImages > 0 ? `exact over ${statisticsImages} images at the end` : "moving averages"
  return (
    `${network}, input ${size}x${size}; learning rate ${base} (${shape})${start}; ` +
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
