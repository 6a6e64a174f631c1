import type { FaultPolicies } from "../../datasets/faults.js"
import { type DetectionBatch, detectionLoader } from "../../datasets/loader/detection-loader.js"
import type { Loader } from "../../datasets/loader/loader.js"
import { buildFasterRcnn } from "../detector/build.js"
import { completeConfig, describeNorms, type ModelConfig } from "../detector/model.js"
import { Parameters } from "../tensor/parameters.js"
import { mixSeeds, type Random, seededRandom } from "../tensor/random.js"
import { detectionTask } from "../train/detection-task.js"
import type { SavedState } from "../train/state.js"
import { readDetectorInfo, saveDetector } from "../weights/detector-file.js"
import { describeReport, loadReport } from "../weights/load.js"
import { initialWeights } from "../weights/plan.js"
import { copyHead, matchClasses, splitHead, transferTable } from "../weights/transfer.js"
import { parseOptions } from "./config.js"
import type { TaskHooks } from "./hooks.js"
import {
  decidedTrainSchema,
  type GivenTrainConfig,
  type TrainConfig,
  type TrainDetectorOptions,
  trainSchema,
} from "./options/train-detector.js"
import { fingerprintOf, readTrainingData, type TrainingData } from "./training/box-data.js"
import { planTraining } from "./training/detector-plan.js"
import { detectorModelConfig, detectorRunOptions, explicitOptions, scheduleLine } from "./training/detector-run.js"
import type { ResumeChanges } from "./training/run-record.js"
import {
  INITIALISATION_SEED,
  plan,
  resume,
  type Trainer,
  type TrainHooks,
  type TrainResult,
  train,
  trainable,
} from "./training/trainer.js"

/**
 * Trains a Faster R-CNN into a run's folder: weights, state, logs, a report.
 * @throws UsageError for options that do not go together; DataError for data or weights that cannot be used;
 * DivergedError when a loss is NaN. A run that `signal` stops is saved, and `resumeDetector` goes on with it
 */
export const trainDetector = (options: TrainDetectorOptions, hooks: TrainHooks = {}): Promise<TrainResult> =>
  train(detectorTrainer, parseOptions("trainDetector", trainSchema, options), hooks)

/** Goes on with an interrupted run, bit for bit; one that is done only tells what it came to. */
export const resumeDetector = (
  run: string,
  changes: ResumeChanges = {},
  hooks: TrainHooks = {},
): Promise<TrainResult> => resume(detectorTrainer, run, changes, hooks)

/** The options that `trainDetector` would use, with nothing left open. */
export const planDetector = (options: TrainDetectorOptions, hooks: TaskHooks = {}): Promise<object> =>
  plan(detectorTrainer, parseOptions("trainDetector", trainSchema, options), hooks)

const detectorTrainer: Trainer<GivenTrainConfig, TrainConfig, ModelConfig, TrainingData, undefined> = {
  folder: "train",
  schema: decidedTrainSchema,
  complete: completeConfig,
  fingerprint: ({ training }) => fingerprintOf(training),
  read(given, listener) {
    const { config } = planTraining(given)
    return readTrainingData(config, policiesOf(config), listener)
  },
  async decide(given, _, { log }) {
    const { config, lines } = planTraining(given)
    for (const line of lines) log(line)
    return { config, model: detectorModelConfig(config), start: undefined }
  },
  explicit(config, model, { training }) {
    const loader = loaderOf(config, model, training)
    return explicitOptions(config, model, detectorRunOptions(config, training.format, loader.batchesPerEpoch))
  },
  async prepare({ config, model, data: { training, validation }, state }, { log }) {
    const random = seededRandom(mixSeeds(config.seed, INITIALISATION_SEED))
    const parts = { model, classes: training.classes, weights: config.weights }
    const { detector, parameters } = state ? rebuild(parts, state, random) : build(parts, random, log)
    const loader = loaderOf(config, model, training)
    const task = detectionTask(detector, parameters, loader, validation, model)
    const options = detectorRunOptions(config, training.format, task.batchesPerEpoch)
    log(
      `${config.model}, ${describeNorms(model)}, ${model.frozen} parts frozen; ` +
        scheduleLine(config, options, task.batchesPerEpoch),
    )
    const { classes, categoryIds } = training
    return {
      ...{ task: trainable(task), options, parameters },
      saved: {
        name: model.model,
        classes,
        save: (path, training) => saveDetector(path, parameters, { config: model, classes, categoryIds, training }),
      },
      faults: () => loader.faults,
      close: () => loader.close(),
    }
  },
}

function loaderOf(
  config: TrainConfig,
  model: ModelConfig,
  training: TrainingData["training"],
): Loader<unknown, DetectionBatch> {
  return detectionLoader(training, {
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
function build({ model, classes, weights: file }: Parts, random: Random, log: (line: string) => void) {
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
    log(`head weights reused for ${copied} of ${classes.length} classes (the weights have ${known!.length}):`)
    log(transferTable(origins))
  }
  return { parameters, detector }
}

/** What the schema leaves open, the names of faults, is checked where they are used. */
function policiesOf({ policies }: Pick<GivenTrainConfig, "policies">): Partial<FaultPolicies> {
  return policies as Partial<FaultPolicies>
}
