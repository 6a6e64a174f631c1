import { withPolicies } from "../../datasets/faults.js"
import type { DetectionBatch } from "../../datasets/loader/detection-loader.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { DataError, UsageError } from "../core/errors.js"
import { Parameters, type Weights } from "../core/parameters.js"
import { mixSeeds, type Random, seededRandom } from "../core/random.js"
import { buildFasterRcnn, type OwnBackbone } from "../detector/build.js"
import { describeNorms, type ModelConfig } from "../detector/model.js"
import type { TrainingPart } from "../detector/training-part.js"
import type { Precision } from "../engine/names.js"
import type { DetectionEvaluator } from "../eval/evaluator.js"
import { detectionTask } from "../train/detection-task.js"
import type { SavedState } from "../train/state.js"
import { readNow } from "../weights/axes.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { describeReport, expectFit } from "../weights/fit.js"
import { storedModelConfig } from "../weights/model-info.js"
import { detectorFrom, type OpenDetector } from "../weights/open-model.js"
import { detectorWeights } from "../weights/plan.js"
import { saveDetector } from "../weights/save.js"
import { copyHead, matchClasses, splitHead, transferTable } from "../weights/transfer.js"
import { parseOptions } from "./config.js"
import type { Listener, TaskHooks } from "./hooks.js"
import { withNamedWeights } from "./named-weights.js"
import {
  decidedTrainSchema,
  type GivenTrainConfig,
  type TrainConfig,
  type TrainDetectorOptions,
  trainDefaults,
  trainSchema,
} from "./options/train-detector.js"
import { readTurns, resumeTurns, startTurns, type TurnTrainer } from "./training/alternate.js"
import { batchSize } from "./training/batch-size.js"
import { fingerprintOf, readTrainingData, type TrainingData } from "./training/box-data.js"
import { chooseAnchors } from "./training/choose-anchors.js"
import { chooseBatch, mostOf } from "./training/choose-batch.js"
import { weightClasses } from "./training/class-weights.js"
import { closedEpochs, loaderOf, policiesOf } from "./training/detector-loader.js"
import { detectorLook } from "./training/detector-look.js"
import { planTraining } from "./training/detector-plan.js"
import { detectorModelConfig, detectorRunOptions, explicitOptions, scheduleLine } from "./training/detector-run.js"
import { expectValidation } from "./training/expect-validation.js"
import { heaviestPhotos } from "./training/heaviest-photo.js"
import type { ResumeChanges } from "./training/run-record.js"
import type { TrainHooks, TrainResult } from "./training/train-result.js"
import { INITIALISATION_SEED, plan, resume, type Trainer, train, trainable } from "./training/trainer.js"

/**
 * Trains a Faster R-CNN into a run's folder: weights, state, logs, a report.
 * @throws UsageError for options that do not go together; DataError for data or weights that cannot be used;
 * DivergedError when a loss is NaN. A run that `signal` stops is saved, and `resumeDetector` goes on with it
 */
export const trainDetector = async (options: TrainDetectorOptions, hooks: TrainHooks = {}): Promise<TrainResult> => {
  const given = parseOptions("trainDetector", trainSchema, options)
  return given.alternate ? startTurns(given, turnTrainer, hooks) : train(detectorTrainer, given, hooks)
}

/** How one turn of several is trained. */
const turnTrainer: TurnTrainer = {
  start: (given, hooks) => train(detectorTrainer, given, hooks),
  resume: (run, { proposals, ...changes }, hooks) =>
    resume(detectorTrainer, run, { ...changes, own: { ...(proposals && { proposals }) } }, hooks),
}

/** What only a program can pass, which a run's folder does not hold: it is passed again to go on. */
type OwnParts = {
  readonly [Part in "data" | "valData" | "backbone"]?: TrainDetectorOptions[Part] | undefined
}

/** Goes on with an interrupted run, bit for bit; one that is done only tells what it came to. */
export const resumeDetector = async (
  run: string,
  { data, valData, backbone, ...others }: Omit<ResumeChanges, "data"> & OwnParts = {},
  hooks: TrainHooks = {},
): Promise<TrainResult> => {
  const isPath = typeof data === "string"
  const changes = { ...others, ...(isPath && { data }) }
  const own = { ...(data && !isPath && { data }), ...(valData && { valData }), ...(backbone && { backbone }) }
  const turns = readTurns(run)
  if (turns !== undefined) return resumeTurns(run, turns, turnTrainer, hooks, changes)
  return resume(detectorTrainer, run, { ...changes, own }, hooks)
}

/** The options that `trainDetector` would use, with nothing left open. */
export const planDetector = async (options: TrainDetectorOptions, hooks: TaskHooks = {}): Promise<object> =>
  plan(detectorTrainer, parseOptions("trainDetector", trainSchema, options), hooks)

/** Training a detector, as the flow of all trainers takes it. */
export const detectorTrainer: Trainer<
  GivenTrainConfig,
  TrainConfig,
  ModelConfig,
  TrainingData,
  DetectorStart | undefined
> = {
  folder: "train",
  schema: decidedTrainSchema,
  complete: storedModelConfig,
  fingerprint: fingerprintOf,
  async decide(asked, listener) {
    const given = await withNamedWeights(asked, trainDefaults.model, listener)
    using checkpoint = given.weights === undefined ? undefined : Checkpoint.open(given.weights)
    const { config, lines } = planTraining(given, checkpoint)
    if (config.proposals !== undefined && config.part !== "head") {
      throw new UsageError("--proposals are what --part head is trained on: give both, or neither")
    }
    if (given.batch !== "auto") for (const line of lines) listener.log(line)
    const planned = detectorModelConfig(config, checkpoint)
    const start = checkpoint && { checkpoint, weights: readNow(detectorWeights(checkpoint, planned)) }
    const data = await readTrainingData(config, policiesOf(config), listener)
    expectValidation(data.validation, config)
    const model = await chooseAnchors(planned, data.training, config.anchors, listener)
    if (given.batch !== "auto") return { config, model, start, data }
    const chosen = planTraining(given, checkpoint, await fittingBatch(config, model, data, listener))
    for (const line of chosen.lines) listener.log(line)
    return { config: chosen.config, model, start, data }
  },
  read: (config, listener, heldOut) => readTrainingData({ ...config, heldOut }, policiesOf(config), listener),
  explicit(config, model, { training }) {
    const loader = loaderOf(config, model, training)
    return explicitOptions(config, model, detectorRunOptions(config, training.format, loader.batchesPerEpoch))
  },
  async prepare({ config, model, data: { training, validation }, state, start }, { log }) {
    const random = seededRandom(mixSeeds(config.seed, INITIALISATION_SEED))
    const { backbone, precision } = config
    const classWeights = weightClasses(config.classWeights, training, log)
    const parts = { model, classes: training.classes, start, backbone, precision, classWeights }
    const lines: string[] = []
    const tell = (line: string) => {
      lines.push(line)
      log(line)
    }
    const { detector, parameters } = state ? rebuild(parts, state, random) : build(parts, random, tell)
    freezeOther(parameters, config.part)
    const proposer = config.proposals === undefined ? undefined : openProposer(config.proposals, model)
    const loader = loaderOf(config, model, training, (epoch) => epoch < options.epochs - closedEpochs(config, options))
    const unread = new PhotoFaults(validation?.source, withPolicies(policiesOf(config)))
    let evaluated: DetectionEvaluator | undefined
    const how = {
      part: config.part,
      proposer: proposer?.detector,
      faults: unread,
      losses: config.valLoss,
      precision,
      onEvaluated: (evaluator: DetectionEvaluator) => {
        evaluated = evaluator
      },
    }
    const task = {
      ...detectionTask(detector, parameters, loader, validation, model, how),
      size: (batch: DetectionBatch) => batchSize(batch, model),
    }
    const options = detectorRunOptions(config, training.format, task.batchesPerEpoch)
    log(
      `${config.model}, ${describeNorms(model)}, ${model.frozen} parts frozen; ` +
        scheduleLine(config, options, task.batchesPerEpoch),
    )
    const { classes } = training
    // JSON has no whole numbers beyond 2^53: as text they come back as they were.
    const categoryIds = training.categoryIds.map((id) => (typeof id === "bigint" ? String(id) : id))
    return {
      ...{ task: trainable(task), options, parameters },
      saved: {
        name: model.model,
        classes,
        save: (path, training) => saveDetector(path, parameters, { config: model, classes, categoryIds, training }),
      },
      look: detectorLook(loader, classes, model.input, validation, () => evaluated),
      ...(lines.length > 0 && { loaded: lines.join("\n") }),
      faults: () => [...loader.faults, ...unread.faults],
      async close() {
        proposer?.parameters.dispose()
        await loader.close()
      },
    }
  },
}

/** What belongs to the part that is not trained stays as it is. */
function freezeOther(parameters: Parameters, part: TrainingPart): void {
  if (part !== "both") parameters.freeze(part === "rpn" ? "roi_heads." : "rpn.")
}

/**
 * The detector whose proposals a head is trained on.
 * @throws DataError when its file is none, or its images come in otherwise than the head's
 */
function openProposer(file: string, { input }: ModelConfig): OpenDetector {
  using checkpoint = Checkpoint.open(file)
  const opened = detectorFrom(checkpoint)
  const [theirs, ours] = [opened.config.input, input].map(({ mean, std }) => [...mean, ...std].join(", "))
  if (theirs === ours) return opened
  opened.parameters.dispose()
  throw new DataError(
    `${file}: its images have mean and std ${theirs}, those of the head ${ours}. Take one of the same weights`,
  )
}

/** As many images as fit into memory, at their largest. */
function fittingBatch(config: TrainConfig, model: ModelConfig, data: TrainingData, listener: Listener) {
  const { training } = data
  const batches = Math.min(config.accumulate, 2)
  return chooseBatch(
    {
      of: "images",
      ...mostOf(16, "detectron2's IMS_PER_BATCH", training.images.length),
      measured: [1, 2, 4],
      prepare(batch, listener) {
        const made = heaviestPhotos(training, model, config.sizes ?? [model.size], batch * batches)
        const one = { ...config, batch, workers: 0, cache: undefined, valEvery: 0, repeatThreshold: 0 }
        const few = { ...data, training: made, validation: undefined }
        return detectorTrainer.prepare({ config: one, model, data: few, start: undefined }, listener)
      },
    },
    { engine: config.engine, processes: config.processes, listener },
  )
}

/** A file's weights, as the detector has them, and what else it tells. */
interface DetectorStart {
  readonly checkpoint: Checkpoint
  readonly weights: Weights
}

interface Parts {
  readonly model: ModelConfig
  readonly classes: readonly string[]
  readonly start: DetectorStart | undefined
  readonly backbone: OwnBackbone | undefined
  readonly precision: Precision
  readonly classWeights: readonly number[] | undefined
}

const detectorOf = ({ model, classes, backbone, precision, classWeights }: Parts, parameters: Parameters) =>
  buildFasterRcnn(parameters, model, classes.length, backbone, precision, classWeights && { classWeights })

function rebuild(parts: Parts, state: SavedState, random: Random) {
  const parameters = new Parameters(random, state.weights)
  return { parameters, detector: detectorOf(parts, parameters) }
}

/** A detector that begins a run; from one that knows other classes it takes the classes that both know. */
function build(parts: Parts, random: Random, log: (line: string) => void) {
  const { model, classes, start } = parts
  if (start === undefined) {
    const parameters = new Parameters(random)
    return { parameters, detector: detectorOf(parts, parameters) }
  }
  const { checkpoint, weights } = start
  const known = checkpoint.model.kind === "detector" ? checkpoint.model.info.classes : undefined
  const isOther = known !== undefined && known.join("\n") !== classes.join("\n")
  const { body, head } = isOther ? splitHead(weights) : { body: weights, head: undefined }
  const parameters = new Parameters(random, body)
  const detector = detectorOf(parts, parameters)
  log(`${checkpoint.path}:\n${describeReport(expectFit(checkpoint, parameters, model.model))}`)
  if (head !== undefined) {
    const origins = copyHead(parameters, head, known!.length, matchClasses(known!, classes))
    const copied = origins.filter(({ from }) => from !== undefined).length
    log(`head weights reused for ${copied} of ${classes.length} classes (the weights have ${known!.length}):`)
    log(transferTable(origins))
  }
  return { parameters, detector }
}
