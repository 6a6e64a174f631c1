import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { z } from "zod"
import { writeWhole } from "../../datasets/atomic.js"
import type { Fault } from "../../datasets/dataset.js"
import { countFaults, formatFault } from "../../datasets/faults.js"
import { DataError, UsageError, UserError } from "../tensor/errors.js"
import type { Parameters } from "../tensor/parameters.js"
import {
  type RunEvents,
  type RunOptions,
  type RunPosition,
  runStart,
  runTraining,
  type TrainingTask,
} from "../train/run.js"
import { RunFolder, type SavedModel } from "../train/run-folder.js"
import { loadState, type SavedState } from "../train/state.js"
import { makeRunFolder } from "./run-folder.js"
import { epochLine, stepLine } from "./train-lines.js"

export type Log = (line: string) => void

/** Options that every command's runs have. */
export interface RunConfig {
  readonly data: string
  readonly out?: string | undefined
}

/** What a run's `config.json` holds: enough to start it again, and to see whether the data are still the same. */
export interface RunRecord<Config, Model> {
  readonly config: Config
  readonly model: Model
  readonly data: DataPrint
}

export interface DataPrint {
  readonly images: number
  readonly classes: readonly string[]
}

/** What the user gave beside `--resume`. */
export interface GivenOptions {
  readonly flags: Readonly<Record<string, unknown>>
  readonly file: string | undefined
  readonly sets: readonly string[] | undefined
}

/** Where a command's runs go by default, `runs/<folder>/train1`, ... */
export type RunsFolder = "train" | "classify" | "localize"

/** Makes a new run's folder and its `config.json`. @throws UsageError when the folder holds a run already */
export function beginRun<Config extends RunConfig>(folder: RunsFolder, record: RunRecord<Config, unknown>): string {
  const run = makeRunFolder(folder, record.config.out, "train")
  if (existsSync(join(run, "state"))) {
    throw new UsageError(`${run} holds a run already. Go on with --resume ${run}, or choose another --out`)
  }
  mkdirSync(join(run, "weights"), { recursive: true })
  writeWhole(join(run, "config.json"), `${JSON.stringify(record, null, 2)}\n`)
  return run
}

/** What may change while a run rests. */
const changeable = ["epochs", "steps", "workers", "engine"]

/**
 * The record of a run that is to go on, with the options that may change while it rests.
 * @throws UsageError for other options, DataError when `run` is no run's folder
 */
export function reopenRun<Schema extends z.ZodType, Model>(
  run: string,
  schema: Schema,
  { flags, file, sets }: GivenOptions,
): RunRecord<z.output<Schema>, Model> {
  const foreign = Object.keys(flags).filter((name) => !changeable.includes(name))
  if (foreign.length > 0 || file !== undefined || sets !== undefined) {
    const what = foreign[0] ?? (file === undefined ? "set" : "config")
    throw new UsageError(`--resume goes on with the run's own options: leave out --${what}, or start a new run`)
  }
  const saved = readRecord<Record<string, unknown>, Model>(run)
  for (const [unit, other] of [
    ["epochs", "steps"],
    ["steps", "epochs"],
  ] as const) {
    if (flags[unit] === undefined || saved.config[other] === undefined) continue
    throw new UsageError(`${run}: its length is in ${other}. Give --${other} instead of --${unit}`)
  }
  const config = schema.safeParse({ ...saved.config, ...flags })
  if (config.success) return { ...saved, config: config.data }
  const key = config.error.issues[0]!.path.join(".")
  throw new DataError(
    `${join(run, "config.json")}: not a run of this command${key && `: ${key} does not fit`}. Go on with the one that began it`,
  )
}

/** Runs of before `std` call it `deviation`. */
function withStd<Values>(values: Values): Values {
  if (typeof values !== "object" || values === null || !Object.hasOwn(values, "deviation")) return values
  const { deviation, ...others } = values as Values & { deviation: unknown }
  return { ...others, std: deviation } as Values
}

function readRecord<Config, Model>(run: string): RunRecord<Config, Model> {
  const file = join(run, "config.json")
  try {
    const record = JSON.parse(readFileSync(file, "utf8")) as RunRecord<Config, Model>
    return { ...record, config: withStd(record.config), model: withStd(record.model) }
  } catch (error) {
    throw new DataError(`${file}: ${(error as Error).message}. Expected the folder of a training run`)
  }
}

/**
 * The state that a run goes on from.
 * @param now what its data are today
 * @throws DataError when the data have changed, UsageError when it has had all its epochs
 */
export function stateOf(
  run: string,
  { config, data: then }: RunRecord<RunConfig, unknown>,
  now: DataPrint,
  { epochs, steps }: RunLength,
): SavedState {
  if (JSON.stringify(then) !== JSON.stringify(now)) {
    throw new DataError(
      `${config.data} has changed: the run began with ${then.images} images of ${then.classes.join(", ")}, ` +
        `now there are ${now.images} of ${now.classes.join(", ")}`,
    )
  }
  const state = loadState(run)
  const { epoch, step } = state.position
  if (steps !== undefined && step >= steps)
    throw new UsageError(`${run} is done: ${step} steps. Give --steps to go further`)
  if (epochs !== undefined && epoch >= epochs) {
    throw new UsageError(`${run} is done: ${epoch} epochs. Give --epochs to go further`)
  }
  return state
}

/** A run's length, in one of the two. */
export interface RunLength {
  readonly epochs?: number | undefined
  readonly steps?: number | undefined
}

/** All that a command has made ready for a run. */
export interface PreparedRun<Batch, Ahead = undefined> {
  readonly task: TrainingTask<Batch, Ahead>
  readonly options: RunOptions
  readonly parameters: Parameters
  readonly saved: SavedModel
  /** Such as `classify train`: how to call it again. */
  readonly command: string
  /** Faults of images met so far. */
  faults(): readonly Fault[]
  close(): Promise<void>
}

/**
 * Trains into a run's folder, with a line on the screen for each report, and frees what was made ready.
 * @param state where to go on from; from the start when left out
 */
export async function trainInto<Batch, Ahead = undefined>(
  run: string,
  { task, options, parameters, saved, command, faults, close }: PreparedRun<Batch, Ahead>,
  state: SavedState | undefined,
  signal: AbortSignal,
  log: Log,
): Promise<RunPosition> {
  const folder = new RunFolder(run, parameters, saved, log)
  try {
    const position = state?.position ?? runStart
    await folder.begin(position)
    if (state) log(`going on after step ${position.step}, in epoch ${position.epoch + 1}`)
    const events = telling(folder, options.epochs, faults, log)
    const end = await runTraining(task, options, events, signal, state)
    if (folder.failure) throw new UserError(`${run}: the last save failed: ${folder.failure.message}`)
    if (signal.aborted) log(`stopped after step ${end.step}; go on with: resdet ${command} --resume ${run}`)
    else if (end.best !== null) log(`best ${options.metric}: ${end.best.toFixed(4)}`)
    return end
  } finally {
    await close()
    parameters.dispose()
  }
}

/** The run folder's events, with a line on the screen for each. */
function telling(folder: RunFolder, epochs: number, faults: () => readonly Fault[], log: Log): RunEvents {
  let told = 0
  return {
    async onStep(report) {
      log(stepLine(report, epochs))
      for (const fault of faults().slice(told)) log(formatFault(fault))
      told = faults().length
      await folder.onStep(report)
    },
    async onEpoch(epoch, losses, metrics) {
      log(epochLine(epoch, epochs, losses, metrics))
      await folder.onEpoch(epoch, losses, metrics)
    },
    onSave: (...args) => folder.onSave(...args),
  }
}

/** How many faults of a data set are told one by one before training. */
const faultsTold = 10

/** @param more where the others can be seen */
export function tellFaults(faults: readonly Fault[], more: string, log: Log): void {
  if (faults.length === 0) return
  const counts = countFaults(faults).map(([kind, count]) => `${count} ${kind}`)
  log(`faults: ${counts.join(", ")}`)
  for (const fault of faults.slice(0, faultsTold)) log(`  ${formatFault(fault)}`)
  if (faults.length > faultsTold) log(`  ... ${more}`)
}

/** The data that a model is validated on; none, and why, where they cannot be read. */
export async function validationOf<Data>(read: () => Data | Promise<Data>, log: Log): Promise<Data | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    log(`no validation: ${error.message}`)
    return undefined
  }
}

/** The purpose of a seed that makes first weights. */
export const INITIALISE = 1
