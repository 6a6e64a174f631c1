import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { writeWhole } from "../../datasets/atomic.js"
import type { Dataset } from "../../datasets/dataset.js"
import { countFaults } from "../../datasets/faults.js"
import { readDataset } from "../../datasets/read.js"
import { startEngine } from "../engine/start.js"
import { cropOptions } from "../localize/crop.js"
import { CropLoader } from "../localize/crop-loader.js"
import { cropTask, localizationMetric } from "../localize/crop-task.js"
import { type LocalizeOptions, type Localizer, localizeOptions } from "../localize/localizer.js"
import { buildClassRpn, buildRegionNetwork, type LocalizerConfig, localizerName } from "../localize/localizer-file.js"
import { type OpenLocalizer, openLocalizer } from "../localize/open-localizer.js"
import { RegionLoader, regionLoaderDefaults } from "../localize/region-loader.js"
import { RegionRefiner } from "../localize/region-refiner.js"
import { regionTask } from "../localize/region-task.js"
import { proposeRegions } from "../localize/regions.js"
import { LocalizerRun } from "../localize/run-folder.js"
import { DataError, UsageError } from "../tensor/errors.js"
import { Parameters } from "../tensor/parameters.js"
import { mixSeeds, seededRandom } from "../tensor/random.js"
import { type RunEvents, type RunOptions, runStart, runTraining, type TrainingTask } from "../train/run.js"
import { scheduleOptions } from "../train/schedule.js"
import { sgdOptions } from "../train/sgd.js"
import { loadState, type SavedState } from "../train/state.js"
import { describeReport, loadReport, loadWeights } from "../weights/load.js"
import { type LocalizeTrainConfig, localizeTrainSchema } from "./localize-config.js"
import { planLocalizer } from "./localize-plan.js"
import { startProgress } from "./progress.js"
import { makeRunFolder } from "./run-folder.js"
import { usualSize } from "./run-localize.js"
import { epochLine, stepLine } from "./train-lines.js"

type Log = (line: string) => void

/** What a run's `config.json` holds: enough to go on with it, and to see whether the data are still the same. */
interface RunRecord {
  readonly config: LocalizeTrainConfig
  readonly localizer: LocalizerConfig
  readonly data: { readonly images: number; readonly classes: readonly string[] }
}

interface Data {
  readonly training: Dataset
  readonly validation: Dataset | undefined
}

/**
 * Trains one stage of a localizer.
 * @returns the run's folder
 */
export async function trainLocalizer(config: LocalizeTrainConfig, signal: AbortSignal, log: Log): Promise<string> {
  if ((config.stage === "rcnn") !== (config.proposals !== undefined)) {
    throw new UsageError("localize train: expected --proposals with --stage rcnn, and only there")
  }
  const localizer = planLocalizer(config)
  const data = await readData(config, log)
  const run = makeRunFolder("localize", config.out)
  if (existsSync(join(run, "state"))) {
    throw new UsageError(`${run} holds a run already. Go on with --resume ${run}, or choose another --out`)
  }
  mkdirSync(join(run, "weights"), { recursive: true })
  const record: RunRecord = { config, localizer, data: fingerprint(data) }
  writeWhole(join(run, "config.json"), `${JSON.stringify(record, null, 2)}\n`)
  return trainInto(run, record, data, undefined, signal, log)
}

/** Goes on with a run that was interrupted. @param given options that may change: `epochs`, `engine` */
export async function resumeLocalizer(
  run: string,
  given: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  const saved = readRecord(run)
  const record = { ...saved, config: localizeTrainSchema.parse({ ...saved.config, ...given }) }
  const data = await readData(record.config, log)
  if (JSON.stringify(saved.data) !== JSON.stringify(fingerprint(data))) {
    throw new DataError(`${record.config.data} has changed: its images or classes are not those the run began with`)
  }
  const state = loadState(run)
  if (state.position.epoch >= record.config.epochs) {
    throw new UsageError(`${run} is done: ${state.position.epoch} epochs. Give --epochs to go further`)
  }
  return trainInto(run, record, data, state, signal, log)
}

async function trainInto(
  run: string,
  { config, localizer }: RunRecord,
  data: Data,
  state: SavedState | undefined,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  log(`engine: ${await startEngine(config.engine)}`)
  const first = state?.weights ?? initialWeights(config, localizer)
  const parameters = new Parameters(seededRandom(mixSeeds(config.seed, INITIALISE)), first)
  const { classes } = data.training
  const begin = config.stage === "rpn" ? beginRpn : beginRegions
  const { task, dispose } = await begin(config, localizer, parameters, data, signal, log)
  try {
    if (state === undefined && config.weights !== undefined) {
      log(`${config.weights}:\n${describeReport(loadReport(parameters))}`)
    }
    if (signal.aborted) return run
    if (task.batchesPerEpoch === 0) {
      throw new UsageError(`localize train: expected a batch smaller than ${config.batch}: the data do not fill one`)
    }
    const folder = new LocalizerRun(run, parameters, { config: localizer, classes })
    const position = state?.position ?? runStart
    await folder.begin(position)
    log(
      `${localizer.network}, ${localizer.stage}, ${localizer.norm} norm, ${localizer.frozen} parts frozen; learning rate ` +
        `${config.lr}; ${config.epochs} epochs of ${task.batchesPerEpoch} steps`,
    )
    if (state) log(`going on after step ${position.step}, in epoch ${position.epoch + 1}`)
    const options = runOptions(config, task.batchesPerEpoch)
    const end = await runTraining(task, options, telling(folder, config.epochs, log), signal, state)
    if (signal.aborted) log(`stopped after step ${end.step}; go on with: resdet localize train --resume ${run}`)
    else if (end.best !== null) log(`best ${localizationMetric}: ${end.best.toFixed(4)}`)
    return run
  } finally {
    dispose()
    parameters.dispose()
  }
}

/** A task whose batches nobody but the loop looks into, and what to let go of after it. */
interface Begun {
  readonly task: TrainingTask<never>
  dispose(): void
}

async function beginRpn(
  config: LocalizeTrainConfig,
  localizer: LocalizerConfig,
  parameters: Parameters,
  { training, validation }: Data,
): Promise<Begun> {
  const { size: side, mean, deviation } = localizer
  const rpn = buildClassRpn(parameters, localizer, training.classes.length)
  const { batch, seed, flip, shorter = [usualSize(side), Math.round((side * 15) / 7)] } = config
  const crop = cropOptions({ side, shorter, flip })
  const loader = new CropLoader(training, { batch, seed, crop, mean, deviation })
  const check = checkOf({ rpn, side, normalisation: { mean, deviation } }, lookOf(config, side), validation)
  return { task: cropTask(rpn, parameters, loader, check) as TrainingTask<never>, dispose: () => {} }
}

async function beginRegions(
  config: LocalizeTrainConfig,
  localizer: LocalizerConfig,
  parameters: Parameters,
  { training, validation }: Data,
  signal: AbortSignal,
  log: Log,
): Promise<Begun> {
  const first: OpenLocalizer = openLocalizer(config.proposals!)
  if (first.classes.join("\n") !== training.classes.join("\n")) {
    first.dispose()
    throw new DataError(`${config.proposals}: expected the classes of ${config.data}, got ${first.classes.join(", ")}`)
  }
  const network = buildRegionNetwork(parameters, localizer, training.classes.length)
  const look = lookOf(config, first.side)
  const progress = startProgress({ label: "propose", total: training.images.length })
  const onImage = (done: number) => progress.update(done)
  const { entries, failed } = await proposeRegions(first, training.images, look, { signal, onImage })
  progress.stop()
  for (const { file, message } of failed) log(`${file}: ${message}`)
  const { size: side, mean, deviation } = localizer
  const { batch, seed, flip, centric, regions: count } = config
  const sample = { ...regionLoaderDefaults.sample, count }
  const loader = new RegionLoader(entries, { batch, seed, flip, centric, sample, side, mean, deviation })
  const refiner = new RegionRefiner(network, { side, normalisation: { mean, deviation }, batch })
  const check = checkOf({ ...first, refiner }, look, validation)
  return { task: regionTask(network, parameters, loader, check) as TrainingTask<never>, dispose: first.dispose }
}

function lookOf({ sizes }: LocalizeTrainConfig, side: number): LocalizeOptions {
  return localizeOptions({ sizes: sizes ?? [usualSize(side)] })
}

function checkOf(localizer: Localizer, options: LocalizeOptions, validation: Dataset | undefined) {
  return validation && { localizer, options, images: validation.images }
}

function initialWeights({ weights }: LocalizeTrainConfig, { norm }: LocalizerConfig) {
  return weights === undefined ? undefined : loadWeights(weights, { rename: localizerName, norm }).weights
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

/** The run folder's events, with a line on the screen for each. */
function telling(folder: LocalizerRun, epochs: number, log: Log): RunEvents {
  return {
    async onStep(report) {
      log(stepLine(report, epochs))
      await folder.onStep(report)
    },
    async onEpoch(epoch, losses, metrics) {
      log(epochLine(epoch, epochs, losses, metrics))
      await folder.onEpoch(epoch, losses, metrics)
    },
    onSave: (position, optimizer, improved) => folder.onSave(position, optimizer, improved),
  }
}

async function readData(config: LocalizeTrainConfig, log: Log): Promise<Data> {
  const { images = null, data, split, valSplit, valEvery } = config
  const tell = (set: Dataset) => {
    const faults = countFaults(set.faults).map(([kind, count]) => `${count} ${kind}`)
    log(
      `${set.source}: ${set.format.toUpperCase()} data, split ${set.split}: ${set.images.length} images, ` +
        `${set.classes.length} classes${faults.length === 0 ? "" : `; faults: ${faults.join(", ")}`}`,
    )
    return set
  }
  const training = tell(await readDataset(data, { split, images }))
  if (training.images.length === 0) throw new DataError(`${data}: no images in split ${training.split}`)
  if (valEvery === 0) return { training, validation: undefined }
  try {
    const validation = await readDataset(data, { split: valSplit, images, classes: training.classes })
    return { training, validation: tell(validation) }
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    log(`no validation: ${error.message}`)
    return { training, validation: undefined }
  }
}

function fingerprint({ training: { images, classes } }: Data): RunRecord["data"] {
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
