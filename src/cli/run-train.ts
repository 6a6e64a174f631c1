import type { Dataset } from "../../datasets/dataset.js"
import type { FaultPolicies } from "../../datasets/faults.js"
import { BatchLoader } from "../../datasets/loader/batch-loader.js"
import { readDataset } from "../../datasets/read.js"
import { buildFasterRcnn } from "../detector/build.js"
import type { ModelConfig } from "../detector/model.js"
import { startEngine } from "../engine/start.js"
import { DataError } from "../tensor/errors.js"
import { Parameters } from "../tensor/parameters.js"
import { mixSeeds, type Random, seededRandom } from "../tensor/random.js"
import { detectionTask } from "../train/detection-task.js"
import type { SavedModel } from "../train/run-folder.js"
import type { SavedState } from "../train/state.js"
import { readDetectorInfo, saveDetector } from "../weights/detector-file.js"
import { describeReport, loadReport } from "../weights/load.js"
import { initialWeights } from "../weights/plan.js"
import { copyHead, matchClasses, splitHead, transferTable } from "../weights/transfer.js"
import { BelowMinimumError } from "./exit.js"
import { decidedTrainSchema, type TrainConfig } from "./train-config.js"
import { detectorModelConfig, detectorRunOptions, scheduleLine } from "./train-options.js"
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

/**
 * Trains a detector.
 * @returns the run's folder
 */
export async function runTrain(config: TrainConfig, signal: AbortSignal, log: Log): Promise<string> {
  const data = await readData(config, log)
  const record: DetectorRecord = { config, model: detectorModelConfig(config), data: printOf(data.training) }
  return trainDetector(beginRun("train", record), record, data, undefined, signal, log)
}

/** Goes on with a run that was interrupted. */
export async function resumeTrain(run: string, given: GivenOptions, signal: AbortSignal, log: Log): Promise<string> {
  const record: DetectorRecord = reopenRun(run, decidedTrainSchema, given)
  const data = await readData(record.config, log)
  const state = stateOf(run, record, printOf(data.training), record.config)
  return trainDetector(run, record, data, state, signal, log)
}

type DetectorRecord = RunRecord<TrainConfig, ModelConfig>

interface DetectorData {
  readonly training: Dataset
  readonly validation: Dataset | undefined
}

async function trainDetector(
  run: string,
  { config, model }: DetectorRecord,
  { training, validation }: DetectorData,
  state: SavedState | undefined,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  log(`engine: ${await startEngine(config.engine)}`)
  const random = seededRandom(mixSeeds(config.seed, INITIALISE))
  const parts = { model, classes: training.classes, weights: config.weights }
  const { detector, parameters } = state ? rebuild(parts, state, random) : build(parts, random, log)
  const loader = new BatchLoader(training, {
    batchSize: config.batch,
    seed: config.seed,
    sizes: config.sizes ?? [model.size],
    maxSize: model.maxSize,
    flip: config.flip,
    repeatThreshold: config.repeatThreshold,
    workers: config.workers ?? null,
    policies: config.policies as Partial<FaultPolicies>,
  })
  const task = detectionTask(detector, parameters, loader, validation, model)
  const options = detectorRunOptions(config, training.format, task.batchesPerEpoch)
  log(
    `${config.model}, ${model.norm} norm, conv5 ${model.conv5Norm} norm, ${model.frozen} parts frozen; ` +
      scheduleLine(config, options, task.batchesPerEpoch),
  )
  const { classes, categoryIds } = training
  const saved: SavedModel = {
    name: model.model,
    classes,
    save: (path, training) => saveDetector(path, parameters, { config: model, classes, categoryIds, training }),
  }
  const [faults, close] = [() => loader.faults, () => loader.close()]
  const prepared = { task, options, parameters, saved, command: "train", faults, close }
  const { best } = await trainInto(run, prepared, state, signal, log)
  if (!signal.aborted) checkReached(config, options.metric, best)
  return run
}

interface Parts {
  readonly model: ModelConfig
  readonly classes: readonly string[]
  readonly weights: string | undefined
}

function rebuild({ model, classes }: Parts, state: SavedState, random: Random) {
  const parameters = new Parameters(random, state.weights)
  return { parameters, detector: buildFasterRcnn(parameters, model, classes.length) }
}

/** A detector that begins a run; from one that knows other classes it takes the classes that both know. */
function build({ model, classes, weights: file }: Parts, random: Random, log: Log) {
  const weights = file === undefined ? new Map() : initialWeights(file, model)
  const known = file === undefined ? undefined : readDetectorInfo(file)?.classes
  const isOther = known !== undefined && known.join("\n") !== classes.join("\n")
  const { body, head } = isOther ? splitHead(weights) : { body: weights, head: undefined }
  const parameters = new Parameters(random, body)
  const detector = buildFasterRcnn(parameters, model, classes.length)
  if (file !== undefined) log(`${file}:\n${describeReport(loadReport(parameters))}`)
  if (head !== undefined) {
    const origins = copyHead(parameters, head, known!.length, matchClasses(known!, classes))
    const copied = origins.filter(({ from }) => from !== undefined).length
    log(
      `the weights know ${known!.length} classes, the data have ${classes.length}, of which ${copied} go on from theirs:`,
    )
    log(transferTable(origins))
  }
  return { parameters, detector }
}

function checkReached({ minMap }: TrainConfig, metric: string, best: number | null): void {
  if (minMap !== undefined && !(best !== null && best >= minMap)) {
    throw new BelowMinimumError(`the best ${metric}, ${best ?? "n/a"}, is below --min-map ${minMap}`)
  }
}

async function readData(config: TrainConfig, log: Log): Promise<DetectorData> {
  const { images = null } = config
  const policies = config.policies as Partial<FaultPolicies>
  const training = await readDataset(config.data, { split: config.split, images, policies })
  tellData(training, log)
  if (training.images.length === 0) throw new DataError(`${config.data}: no images in split ${training.split}`)
  if (config.valEvery === 0) return { training, validation: undefined }
  const asked = { split: config.valSplit, images, policies, classes: training.classes }
  const validation = await validationOf(() => readDataset(config.data, asked), log)
  if (validation) tellData(validation, log)
  return { training, validation }
}

function tellData(data: Dataset, log: Log): void {
  const objects = data.images.reduce((sum, { labels }) => sum + labels.length, 0)
  log(
    `${data.source}: ${data.format.toUpperCase()} data, split ${data.split}: ${data.images.length} images, ` +
      `${objects} objects, ${data.classes.length} classes`,
  )
  for (const notice of data.notices ?? []) log(notice)
  tellFaults(data.faults, "resdet dataset check names them all", log)
}

function printOf({ images, classes }: Dataset): DataPrint {
  return { images: images.length, classes }
}
