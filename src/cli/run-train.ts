import type { Dataset } from "../../datasets/dataset.js"
import type { FaultPolicies } from "../../datasets/faults.js"
import { BatchLoader } from "../../datasets/loader/batch-loader.js"
import { readDataset } from "../../datasets/read.js"
import { buildFasterRcnn } from "../detector/build.js"
import { completeConfig, describeNorms, type ModelConfig, modelDefaults, type StoredModelConfig } from "../detector/model.js"
import { type DeepPartial, type FasterRcnnOptions, withOverrides } from "../detector/options.js"
import { preset } from "../detector/presets.js"
import { startEngine } from "../engine/start.js"
import { DataError } from "../tensor/errors.js"
import { Parameters } from "../tensor/parameters.js"
import { mixSeeds, seededRandom } from "../tensor/random.js"
import { detectionTask } from "../train/detection-task.js"
import type { RunOptions } from "../train/run.js"
import type { SavedModel } from "../train/run-folder.js"
import { scheduleOptions } from "../train/schedule.js"
import { sgdOptions } from "../train/sgd.js"
import type { SavedState } from "../train/state.js"
import { saveDetector } from "../weights/detector-file.js"
import { describeReport, loadReport } from "../weights/load.js"
import { initialWeights, planInput, planNorms } from "../weights/plan.js"
import { BelowMinimumError } from "./exit.js"
import { type TrainConfig, trainSchema } from "./train-config.js"
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
  const record: DetectorRecord = { config, model: modelConfig(config), data: printOf(data.training) }
  return trainDetector(beginRun("train", record), record, data, undefined, signal, log)
}

/** Goes on with a run that was interrupted. */
export async function resumeTrain(run: string, given: GivenOptions, signal: AbortSignal, log: Log): Promise<string> {
  const stored = reopenRun<typeof trainSchema, StoredModelConfig>(run, trainSchema, given)
  const record: DetectorRecord = { ...stored, model: completeConfig(stored.model) }
  const data = await readData(record.config, log)
  const state = stateOf(run, record, printOf(data.training), record.config.epochs)
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
  const weights = state?.weights ?? (config.weights === undefined ? undefined : initialWeights(config.weights, model))
  const parameters = new Parameters(seededRandom(mixSeeds(config.seed, INITIALISE)), weights)
  const detector = buildFasterRcnn(parameters, model, training.classes.length)
  if (state === undefined && config.weights !== undefined)
    log(`${config.weights}:\n${describeReport(loadReport(parameters))}`)
  const loader = new BatchLoader(training, {
    batchSize: config.batch,
    seed: config.seed,
    sizes: [model.size],
    maxSize: model.maxSize,
    ...model.input,

    flip: config.flip,
    workers: config.workers ?? null,
    policies: config.policies as Partial<FaultPolicies>,
  })
  const task = detectionTask(detector, parameters, loader, validation, model)
  const options = runOptions(config, training, task.batchesPerEpoch)
  const { base, warmup } = options.schedule
  log(
    `${config.model}, ${describeNorms(model)}, ${model.frozen} parts frozen; ` +
      `learning rate ${base}${config.lr === undefined ? ` (${base / config.batch} an image x batch ${config.batch})` : ""}, ` +
      `warm-up ${warmup} steps; ${config.epochs} epochs of ${task.batchesPerEpoch} steps`,
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

function modelConfig(config: TrainConfig): ModelConfig {
  const { ratePerImage: _, ...sizes } = preset(config.preset, config.model)
  const { model, strideIn, size, maxSize, norm, conv5Norm, headNorm, frozen } = config
  return {
    ...modelDefaults,
    ...sizes,
    ...planNorms(model, config.weights, { norm, conv5Norm, headNorm, frozen }),
    input: planInput(config.weights),
    model,
    strideIn,
    ...(size === undefined ? {} : { size, maxSize: Math.round((size * sizes.maxSize) / sizes.size) }),
    ...(maxSize === undefined ? {} : { maxSize }),
    options: withOverrides(sizes.options, config.detector as DeepPartial<FasterRcnnOptions>),
  }
}

function runOptions(config: TrainConfig, data: Dataset, batchesPerEpoch: number): RunOptions {
  return {
    epochs: config.epochs,
    seed: config.seed,
    schedule: scheduleOptions({
      base: config.lr ?? preset(config.preset, config.model).ratePerImage * config.batch,
      steps: config.epochs * batchesPerEpoch,
      shape: config.schedule,
      warmup: config.warmup ?? Math.min(1000, batchesPerEpoch - 1),
    }),
    sgd: sgdOptions({ momentum: config.momentum, weightDecay: config.weightDecay }),
    clipNorm: config.clipNorm,
    validateEvery: config.valEvery,
    metric: config.metric ?? (data.format === "voc" ? "voc12" : "AP"),
    reportEvery: config.logEvery,
  }
}

function printOf({ images, classes }: Dataset): DataPrint {
  return { images: images.length, classes }
}
