import { startEngine } from "../engine/start.js"
import { saveLocalizer } from "../localize/localizer-file.js"
import { localizationMetric } from "../localize/tasks.js"
import { UsageError } from "../tensor/errors.js"
import { Parameters, type Weights } from "../tensor/parameters.js"
import { mixSeeds, seededRandom } from "../tensor/random.js"
import type { RunOptions } from "../train/run.js"
import type { SavedModel } from "../train/run-folder.js"
import { scheduleOptions } from "../train/schedule.js"
import { sgdOptions } from "../train/sgd.js"
import type { SavedState } from "../train/state.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { describeReport, expectFit } from "../weights/fit.js"
import type { LocalizerConfig } from "../weights/model-info.js"
import { localizerName } from "../weights/names.js"
import { type LocalizeTrainConfig, localizeTrainSchema } from "./localize-config.js"
import { planLocalizer } from "./localize-plan.js"
import { cropLoader, prepareRegions, prepareRpn, type StageRun } from "./localize-stages.js"
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

type LocalizerRecord = RunRecord<LocalizeTrainConfig, LocalizerConfig>

/**
 * Trains one stage of a localizer.
 * @returns the run's folder
 */
export async function trainLocalizer(config: LocalizeTrainConfig, signal: AbortSignal, log: Log): Promise<string> {
  if ((config.stage === "rcnn") !== (config.proposals !== undefined)) {
    throw new UsageError("localize train: expected --proposals with --stage rcnn, and only there")
  }
  using checkpoint = config.weights === undefined ? undefined : Checkpoint.open(config.weights)
  const model = planLocalizer(config, checkpoint)
  const from = checkpoint && { checkpoint, weights: checkpoint.weights({ rename: localizerName, norm: model.norm }) }
  checkpoint?.close()
  const data = await readTrainingData(config, {}, log)
  const record: LocalizerRecord = { config, model, data: dataPrint(data.training) }
  return trainStage(() => beginRun("localize", record), record, data, { from }, signal, log)
}

/** Goes on with a run that was interrupted. */
export async function resumeLocalizer(
  run: string,
  given: GivenOptions,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  const record: LocalizerRecord = reopenRun(run, localizeTrainSchema, given)
  const data = await readTrainingData(record.config, {}, log)
  const state = stateOf(run, record, dataPrint(data.training), record.config)
  return trainStage(() => run, record, data, { state }, signal, log)
}

/** Where a stage starts: from a file's weights, or where it was interrupted. */
interface StageStart {
  readonly from?: { readonly checkpoint: Checkpoint; readonly weights: Weights } | undefined
  readonly state?: SavedState
}

async function trainStage(
  open: () => string,
  { config, model }: LocalizerRecord,
  data: TrainingData,
  { from, state }: StageStart,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  const crops = config.stage === "rpn" ? cropLoader(config, model, data.training) : undefined
  const first = state?.weights ?? from?.weights
  const run = open()
  log(`engine: ${await startEngine(config.engine)}`)
  const parameters = new Parameters(seededRandom(mixSeeds(config.seed, INITIALISE)), first)
  if (crops) await trainPrepared(prepareRpn(config, model, parameters, crops, data))
  else await trainPrepared(await prepareRegions(config, model, parameters, data, signal, log))
  return run

  async function trainPrepared<Batch>(stage: StageRun<Batch>): Promise<void> {
    if (from !== undefined) {
      const report = expectFit(from.checkpoint, parameters, model.network)
      log(`${from.checkpoint.path}:\n${describeReport(report)}`)
    }
    const { batchesPerEpoch } = stage.task
    log(
      `${model.network}, ${model.stage}, ${model.norm} norm, ${model.frozen} parts frozen; learning rate ${config.lr}; ` +
        `${config.epochs} epochs of ${batchesPerEpoch} steps`,
    )
    const { classes } = data.training
    const saved: SavedModel = {
      name: `${model.network} ${model.stage}`,
      classes,
      save: (path, training) => saveLocalizer(path, parameters, { config: model, classes, training }),
    }
    const options = runOptions(config, batchesPerEpoch)
    await trainInto(run, { ...stage, options, parameters, saved, command: "localize train" }, state, signal, log)
  }
}

function runOptions(config: LocalizeTrainConfig, batchesPerEpoch: number): RunOptions {
  return {
    epochs: config.epochs,
    seed: config.seed,
    schedule: scheduleOptions({
      base: config.lr,
      steps: config.epochs * batchesPerEpoch,
      shape: config.schedule,
      warmup: config.warmup ?? Math.min(1000, batchesPerEpoch - 1),
    }),
    sgd: sgdOptions({ momentum: config.momentum, weightDecay: config.weightDecay }),
    clipNorm: config.clipNorm,
    validateEvery: config.valEvery,
    metric: localizationMetric,
    reportEvery: config.logEvery,
  }
}
