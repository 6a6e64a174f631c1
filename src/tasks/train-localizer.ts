import { UsageError } from "../core/errors.js"
import { Parameters, type Weights } from "../core/parameters.js"
import { mixSeeds, seededRandom } from "../core/random.js"
import { usualSize } from "../localize/localizer.js"
import { saveLocalizer } from "../localize/localizer-file.js"
import { localizationMetric } from "../localize/tasks.js"
import { sgdOptions } from "../train/options.js"
import { type RunOptions, runLength } from "../train/run-options.js"
import { scheduleDefaults, scheduleOptions } from "../train/schedule.js"
import { readNow } from "../weights/axes.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { describeReport, expectFit } from "../weights/fit.js"
import type { LocalizerConfig } from "../weights/model-info.js"
import { localizerName } from "../weights/names.js"
import { weightsForClasses } from "../weights/other-classes.js"
import { parseOptions } from "./config.js"
import type { Listener, TaskHooks } from "./hooks.js"
import { withNamedWeights } from "./named-weights.js"
import {
  decidedLocalizeTrainSchema,
  type GivenLocalizeTrainConfig,
  type LocalizeTrainConfig,
  localizeTrainSchema,
  type TrainLocalizerOptions,
} from "./options/train-localizer.js"
import { batchesPerStep, commonRunOptions } from "./options/training.js"
import { fingerprintOf, readTrainingData, type TrainingData } from "./training/box-data.js"
import { chooseBatch, mostOf } from "./training/choose-batch.js"
import { expectValidation } from "./training/expect-validation.js"
import { planLocalizer } from "./training/localizer-plan.js"
import { prepareRegions, prepareRpn, trainingCrops } from "./training/localizer-stages.js"
import type { ResumeChanges } from "./training/run-record.js"
import type { TrainHooks, TrainResult } from "./training/train-result.js"
import { INITIALISATION_SEED, plan, resume, type Trainer, train } from "./training/trainer.js"

/**
 * Trains one stage of a localizer, a per-class RPN or the second stage on its proposals, into a run's folder.
 * @throws UsageError for options that do not go together; DataError for data or weights that cannot be used;
 * DivergedError when a loss is NaN. A run that `signal` stops is saved, and `resumeLocalizer` goes on with it
 */
export const trainLocalizer = async (options: TrainLocalizerOptions, hooks: TrainHooks = {}): Promise<TrainResult> =>
  train(localizerTrainer, parseOptions("trainLocalizer", localizeTrainSchema, options), hooks)

/** Goes on with an interrupted run, bit for bit; one that is done only tells what it came to. */
export const resumeLocalizer = async (
  run: string,
  changes: ResumeChanges = {},
  hooks: TrainHooks = {},
): Promise<TrainResult> => resume(localizerTrainer, run, changes, hooks)

/** The options that `trainLocalizer` would use, with nothing left open. */
export const planLocalizerRun = async (options: TrainLocalizerOptions, hooks: TaskHooks = {}): Promise<object> =>
  plan(localizerTrainer, parseOptions("trainLocalizer", localizeTrainSchema, options), hooks)

const localizerTrainer: Trainer<
  GivenLocalizeTrainConfig,
  LocalizeTrainConfig,
  LocalizerConfig,
  TrainingData,
  LocalizerStart | undefined
> = {
  folder: "localize",
  schema: decidedLocalizeTrainSchema,
  fingerprint: fingerprintOf,
  read: (config, listener, heldOut) => readTrainingData({ ...config, heldOut }, {}, listener),
  async decide(asked, listener) {
    const given = await withNamedWeights(asked, "resnet18", listener)
    const config = { ...given, batch: given.batch === "auto" ? 1 : given.batch }
    if ((config.stage === "rcnn") !== (config.proposals !== undefined)) {
      throw new UsageError("localize train: expected --proposals with --stage rcnn, and only there")
    }
    using checkpoint = config.weights === undefined ? undefined : Checkpoint.open(config.weights)
    const model = planLocalizer(config, checkpoint)
    const data = await readTrainingData(config, {}, listener)
    const { classes } = data.training
    const weights = checkpoint?.weights({ rename: localizerName, norm: model.norm })
    const start = checkpoint && {
      checkpoint,
      weights: readNow(weightsForClasses("localizer", checkpoint, weights!, classes, listener.log)),
    }
    expectValidation(data.validation, config)
    const batch = given.batch === "auto" ? await fittingBatch(config, model, data, listener) : given.batch
    return { config: { ...config, batch }, model, start, data }
  },
  explicit(config, model, { training }) {
    // How many regions the second stage learns from is known once the first one has proposed them.
    const crops = config.stage === "rpn" ? trainingCrops(config, model, training) : undefined
    const warmup = crops ? { warmup: runOptions(config, crops.batchesPerEpoch).schedule.warmup } : {}
    const { network, options, norm, frozen, stages, size, rpn } = model
    const sizes = config.sizes ?? (crops ? [usualSize(size)] : undefined)
    return { ...config, ...warmup, network, ...options, norm, frozen, stages, size, sizes, anchors: rpn.anchors }
  },
  async prepare({ config, model, data, state, start }, listener) {
    const weights = state?.weights ?? start?.weights
    const parameters = new Parameters(seededRandom(mixSeeds(config.seed, INITIALISATION_SEED)), weights)
    const stage = await (config.stage === "rpn"
      ? prepareRpn(config, model, parameters, trainingCrops(config, model, data.training), data)
      : prepareRegions(config, model, parameters, data, listener))
    const loaded =
      start && `${start.checkpoint.path}:\n${describeReport(expectFit(start.checkpoint, parameters, model.network))}`
    if (loaded) listener.log(loaded)
    const { batchesPerEpoch } = stage.task
    listener.log(
      `${model.network}, ${model.stage}, ${model.norm} norm, ${model.frozen} parts frozen; learning rate ${config.lr}; ` +
        `${config.epochs} epochs of ${batchesPerEpoch} steps`,
    )
    const { classes } = data.training
    return {
      ...stage,
      ...{ options: runOptions(config, batchesPerEpoch), parameters, loaded },
      saved: {
        name: `${model.network} ${model.stage}`,
        classes,
        save: (path, training) => saveLocalizer(path, parameters, { config: model, classes, training }),
      },
    }
  },
}

/** As many crops or regions as fit into memory. */
function fittingBatch(config: LocalizeTrainConfig, model: LocalizerConfig, data: TrainingData, listener: Listener) {
  const { training } = data
  const measured = [4, 8]
  return chooseBatch(
    {
      of: config.stage === "rpn" ? "crops" : "regions",
      ...mostOf(256, "the paper's", config.stage === "rpn" ? training.images.length : Number.POSITIVE_INFINITY),
      measured,
      prepare(batch, listener) {
        const some = { ...training, images: training.images.slice(0, Math.max(...measured)) }
        const one = { ...config, batch, valEvery: 0 }
        const few = { ...data, training: some, validation: undefined }
        return localizerTrainer.prepare({ config: one, model, data: few, start: undefined }, listener)
      },
    },
    { engine: config.engine, processes: config.processes, listener },
  )
}

/** A file's weights, by the localizer's names, and what else it tells. */
interface LocalizerStart {
  readonly checkpoint: Checkpoint
  readonly weights: Weights
}

function runOptions(config: LocalizeTrainConfig, batchesPerEpoch: number): RunOptions {
  const { stepsPerEpoch, steps } = runLength(
    { epochs: config.epochs, accumulate: batchesPerStep(config) },
    batchesPerEpoch,
  )
  return {
    epochs: config.epochs,
    ...commonRunOptions(config),
    schedule: scheduleOptions({
      base: config.lr,
      steps,
      shape: config.schedule,
      patience: config.plateauPatience,
      warmup: config.warmup ?? Math.min(scheduleDefaults.warmup, stepsPerEpoch - 1),
    }),
    sgd: sgdOptions({ momentum: config.momentum, weightDecay: config.weightDecay }),
    clipNorm: config.clipNorm,
    validateEvery: config.valEvery,
    metric: localizationMetric,
  }
}
