import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { writeWhole } from "../../datasets/atomic.js"
import type { Dataset } from "../../datasets/dataset.js"
import { countFaults, type FaultPolicies, formatFault } from "../../datasets/faults.js"
import { BatchLoader } from "../../datasets/loader/batch-loader.js"
import { readDataset } from "../../datasets/read.js"
import { buildFasterRcnn } from "../detector/build.js"
import { type ModelConfig, modelDefaults } from "../detector/model.js"
import { type DeepPartial, type FasterRcnnOptions, withOverrides } from "../detector/options.js"
import { preset } from "../detector/presets.js"
import { startEngine } from "../engine/start.js"
import { DataError, UsageError, UserError } from "../tensor/errors.js"
import { Parameters } from "../tensor/parameters.js"
import { mixSeeds, seededRandom } from "../tensor/random.js"
import { detectionTask } from "../train/detection-task.js"
import { type RunEvents, type RunOptions, runStart, runTraining } from "../train/run.js"
import { RunFolder } from "../train/run-folder.js"
import { scheduleOptions } from "../train/schedule.js"
import { sgdOptions } from "../train/sgd.js"
import { loadState, type SavedState } from "../train/state.js"
import { describeReport, loadReport } from "../weights/load.js"
import { initialWeights, planNorms } from "../weights/plan.js"
import { BelowMinimumError } from "./exit.js"
import { makeRunFolder } from "./run-folder.js"
import { type TrainConfig, trainSchema } from "./train-config.js"
import { epochLine, stepLine } from "./train-lines.js"

type Log = (line: string) => void

/** What a run's `config.json` holds: enough to start it again, and to see whether the data are still the same. */
interface RunRecord {
  readonly config: TrainConfig
  readonly model: ModelConfig
  readonly data: { readonly images: number; readonly classes: readonly string[] }
}

/**
 * Trains a detector.
 * @returns the run's folder
 */
export async function runTrain(config: TrainConfig, signal: AbortSignal, log: Log): Promise<string> {
  const { training, validation } = await readData(config, log)
  const model = modelConfig(config)
  const record: RunRecord = { config, model, data: fingerprint(training) }
  const run = makeRunFolder("train", config.out)
  if (existsSync(join(run, "state"))) {
    throw new UsageError(`${run} holds a run already. Go on with --resume ${run}, or choose another --out`)
  }
  mkdirSync(join(run, "weights"), { recursive: true })
  writeWhole(join(run, "config.json"), `${JSON.stringify(record, null, 2)}\n`)
  return trainInto(run, record, training, validation, undefined, signal, log)
}

/** Goes on with a run that was interrupted. */
export async function resumeTrain(
  run: string,
  given: { flags: Record<string, unknown>; file: string | undefined; sets: readonly string[] | undefined },
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  const foreign = Object.keys(given.flags).filter((name) => !["epochs", "workers", "engine"].includes(name))
  if (foreign.length > 0 || given.file !== undefined || given.sets !== undefined) {
    const what = foreign[0] ?? (given.file === undefined ? "set" : "config")
    throw new UsageError(`--resume goes on with the run's own options: leave out --${what}, or start a new run`)
  }
  const saved = readRecord(run)
  const record = { ...saved, config: trainSchema.parse({ ...saved.config, ...given.flags }) }
  const { training, validation } = await readData(record.config, log)
  const [then, now] = [saved.data, fingerprint(training)]
  if (JSON.stringify(then) !== JSON.stringify(now)) {
    throw new DataError(
      `${record.config.data} has changed: the run began with ${then.images} images of ${then.classes.join(", ")}, ` +
        `now there are ${now.images} of ${now.classes.join(", ")}`,
    )
  }
  const state = loadState(run)
  if (state.position.epoch >= record.config.epochs) {
    throw new UsageError(`${run} is done: ${state.position.epoch} epochs. Give --epochs to go further`)
  }
  return trainInto(run, record, training, validation, state, signal, log)
}

async function trainInto(
  run: string,
  { config, model }: RunRecord,
  training: Dataset,
  validation: Dataset | undefined,
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
    flip: config.flip,
    workers: config.workers ?? null,
    policies: config.policies as Partial<FaultPolicies>,
  })
  const task = detectionTask(detector, parameters, loader, validation, model)
  const options = runOptions(config, training, task.batchesPerEpoch)
  const { base, warmup } = options.schedule
  log(
    `${config.model}, ${model.norm} norm, conv5 ${model.conv5Norm} norm, ${model.frozen} parts frozen; ` +
      `learning rate ${base}${config.lr === undefined ? ` (${base / config.batch} an image x batch ${config.batch})` : ""}, ` +
      `warm-up ${warmup} steps; ${config.epochs} epochs of ${task.batchesPerEpoch} steps`,
  )
  const { classes, categoryIds } = training
  const folder = new RunFolder(run, parameters, { config: model, classes, categoryIds }, log)
  const events = telling(folder, config.epochs, loader, log)
  try {
    const position = state?.position ?? runStart
    await folder.begin(position)
    if (state) log(`going on after step ${position.step}, in epoch ${position.epoch + 1}`)
    const end = await runTraining(task, options, events, signal, position, state?.velocities)
    if (folder.failure) throw new UserError(`${run}: the last save failed: ${folder.failure.message}`)
    if (signal.aborted) log(`stopped after step ${end.step}; go on with: resdet train --resume ${run}`)
    else checkReached(config, options.metric, end.best, log)
    return run
  } finally {
    await loader.close()
    parameters.dispose()
  }
}

/** The run folder's events, with a line on the screen for each. */
function telling(folder: RunFolder, epochs: number, loader: BatchLoader, log: Log): RunEvents {
  let told = 0
  return {
    async onStep(report) {
      log(stepLine(report, epochs))
      for (; told < loader.faults.length; told++) log(formatFault(loader.faults[told]!))
      await folder.onStep(report)
    },
    async onEpoch(epoch, losses, metrics) {
      log(epochLine(epoch, epochs, losses, metrics))
      await folder.onEpoch(epoch, losses, metrics)
    },
    onSave: (...args) => folder.onSave(...args),
  }
}

function checkReached({ minMap }: TrainConfig, metric: string, best: number | null, log: Log): void {
  if (best !== null) log(`best ${metric}: ${best.toFixed(4)}`)
  if (minMap !== undefined && !(best !== null && best >= minMap)) {
    throw new BelowMinimumError(`the best ${metric}, ${best ?? "n/a"}, is below --min-map ${minMap}`)
  }
}

async function readData(
  config: TrainConfig,
  log: Log,
): Promise<{ training: Dataset; validation: Dataset | undefined }> {
  const { images = null } = config
  const policies = config.policies as Partial<FaultPolicies>
  const training = await readDataset(config.data, { split: config.split, images, policies })
  tellData(training, log)
  if (training.images.length === 0) throw new DataError(`${config.data}: no images in split ${training.split}`)
  if (config.valEvery === 0) return { training, validation: undefined }
  try {
    const validation = await readDataset(config.data, {
      split: config.valSplit,
      images,
      policies,
      classes: training.classes,
    })
    tellData(validation, log)
    return { training, validation }
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    log(`no validation: ${error.message}`)
    return { training, validation: undefined }
  }
}

/** How many faults of a data set are told one by one before training; `dataset check` tells all. */
const faultsTold = 10

function tellData(data: Dataset, log: Log): void {
  const objects = data.images.reduce((sum, { labels }) => sum + labels.length, 0)
  log(
    `${data.source}: ${data.format.toUpperCase()} data, split ${data.split}: ${data.images.length} images, ` +
      `${objects} objects, ${data.classes.length} classes`,
  )
  for (const notice of data.notices ?? []) log(notice)
  if (data.faults.length === 0) return
  log(
    `faults: ${countFaults(data.faults)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(", ")}`,
  )
  for (const fault of data.faults.slice(0, faultsTold)) log(`  ${formatFault(fault)}`)
  if (data.faults.length > faultsTold) log("  ... resdet dataset check names them all")
}

function modelConfig(config: TrainConfig): ModelConfig {
  const { ratePerImage: _, ...sizes } = preset(config.preset)
  const { model, strideIn, size, maxSize, norm, conv5Norm, frozen } = config
  return {
    ...modelDefaults,
    ...sizes,
    ...planNorms(model, config.weights, { norm, conv5Norm, frozen }),
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
      base: config.lr ?? preset(config.preset).ratePerImage * config.batch,
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

function fingerprint({ images, classes }: Dataset): RunRecord["data"] {
  return { images: images.length, classes }
}

function readRecord(run: string): RunRecord {
  const file = join(run, "config.json")
  try {
    return JSON.parse(readFileSync(file, "utf8")) as RunRecord
  } catch (error) {
    throw new DataError(`${file}: ${(error as Error).message}. Expected the folder of a training run`)
  }
}

/** The purpose of a seed that makes first weights. */
const INITIALISE = 1
