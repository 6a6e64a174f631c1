import type { FaultPolicies } from "../../datasets/faults.js"
import { BatchLoader } from "../../datasets/loader/batch-loader.js"
import { buildFasterRcnn } from "../detector/build.js"
import { describeNorms, type ModelConfig } from "../detector/model.js"
import { startEngine } from "../engine/start.js"
import { Parameters, type Weights } from "../tensor/parameters.js"
import { mixSeeds, type Random, seededRandom } from "../tensor/random.js"
import { detectionTask } from "../train/detection-task.js"
import type { SavedModel } from "../train/run-folder.js"
import type { SavedState } from "../train/state.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { describeReport, expectFit } from "../weights/fit.js"
import { storedModelConfig } from "../weights/model-info.js"
import { detectorWeights } from "../weights/plan.js"
import { saveDetector } from "../weights/save.js"
import { copyHead, matchClasses, splitHead, transferTable } from "../weights/transfer.js"
import { BelowMinimumError } from "./exit.js"
import { decidedTrainSchema, type GivenTrainConfig, type TrainConfig } from "./train-config.js"
import { detectorModelConfig, detectorRunOptions, scheduleLine } from "./train-options.js"
import { planTraining } from "./train-plan.js"
import { dataPrint, readTrainingData, type TrainingData } from "./training-data.js"
import {
  beginRun,
  type GivenOptions,
  INITIALISE,
  type Log,
  type RunRecord,
  reopenRun,
  stateOf,
  trainInto,
} from "./training-run.js"

/**
 * Trains a detector.
 * @returns the run's folder
 */
export async function runTrain(given: GivenTrainConfig, signal: AbortSignal, log: Log): Promise<string> {
  using checkpoint = given.weights === undefined ? undefined : Checkpoint.open(given.weights)
  const { config, lines } = planTraining(given, checkpoint)
  for (const line of lines) log(line)
  const model = detectorModelConfig(config, checkpoint)
  const start = checkpoint && { checkpoint, weights: detectorWeights(checkpoint, model) }
  checkpoint?.close()
  const data = await readTrainingData(config, policiesOf(config), log)
  const record: DetectorRecord = { config, model, data: dataPrint(data.training) }
  return trainDetector(beginRun("train", record), record, data, start, undefined, signal, log)
}

/** Goes on with a run that was interrupted. */
export async function resumeTrain(run: string, given: GivenOptions, signal: AbortSignal, log: Log): Promise<string> {
  const stored = reopenRun<typeof decidedTrainSchema, unknown>(run, decidedTrainSchema, given)
  const record: DetectorRecord = { ...stored, model: storedModelConfig(run, stored.model) }
  const data = await readTrainingData(record.config, policiesOf(record.config), log)
  const state = stateOf(run, record, dataPrint(data.training), record.config)
  return trainDetector(run, record, data, undefined, state, signal, log)
}

type DetectorRecord = RunRecord<TrainConfig, ModelConfig>

/** A file's weights, as the detector has them, and what else it tells. */
interface Start {
  readonly checkpoint: Checkpoint
  readonly weights: Weights
}

async function trainDetector(
  run: string,
  { config, model }: DetectorRecord,
  { training, validation }: TrainingData,
  start: Start | undefined,
  state: SavedState | undefined,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  log(`engine: ${await startEngine(config.engine)}`)
  const random = seededRandom(mixSeeds(config.seed, INITIALISE))
  const parts = { model, classes: training.classes, start }
  const { detector, parameters } = state ? rebuild(parts, state, random) : build(parts, random, log)
  const loader = new BatchLoader(training, {
    batchSize: config.batch,
    seed: config.seed,
    sizes: config.sizes ?? [model.size],
    maxSize: model.maxSize,
    ...model.input,
    flip: config.flip,
    repeatThreshold: config.repeatThreshold,
    workers: config.workers ?? null,
    policies: policiesOf(config),
  })
  const task = detectionTask(detector, parameters, loader, validation, model)
  const options = detectorRunOptions(config, training.format, task.batchesPerEpoch)
  log(
    `${config.model}, ${describeNorms(model)}, ${model.frozen} parts frozen; ` +
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
  readonly start: Start | undefined
}

function rebuild({ model, classes }: Parts, state: SavedState, random: Random) {
  const parameters = new Parameters(random, state.weights)
  return { parameters, detector: buildFasterRcnn(parameters, model, classes.length) }
}

/** A detector that begins a run; from one that knows other classes it takes the classes that both know. */
function build({ model, classes, start }: Parts, random: Random, log: Log) {
  if (start === undefined) {
    const parameters = new Parameters(random)
    return { parameters, detector: buildFasterRcnn(parameters, model, classes.length) }
  }
  const { checkpoint, weights } = start
  const known = checkpoint.model.kind === "detector" ? checkpoint.model.info.classes : undefined
  const isOther = known !== undefined && known.join("\n") !== classes.join("\n")
  const { body, head } = isOther ? splitHead(weights) : { body: weights, head: undefined }
  const parameters = new Parameters(random, body)
  const detector = buildFasterRcnn(parameters, model, classes.length)
  log(`${checkpoint.path}:\n${describeReport(expectFit(checkpoint, parameters, model.model))}`)
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

/** What the schema leaves open, the names of faults, is checked where they are used. */
function policiesOf({ policies }: TrainConfig): Partial<FaultPolicies> {
  return policies as Partial<FaultPolicies>
}

function checkReached({ minMap }: TrainConfig, metric: string, best: number | null): void {
  if (minMap !== undefined && !(best !== null && best >= minMap)) {
    throw new BelowMinimumError(`the best ${metric}, ${best ?? "n/a"}, is below --min-map ${minMap}`)
  }
}
