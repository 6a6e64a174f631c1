import { existsSync } from "node:fs"
import { join } from "node:path"
import type { z } from "zod"
import type { Fault } from "../../../datasets/dataset.js"
import { LostProcessError, UsageError, UserError } from "../../core/errors.js"
import { freeIfPossible } from "../../core/out-of-memory.js"
import type { Parameters } from "../../core/parameters.js"
import type { Cluster } from "../../engine/cluster.js"
import type { EngineChoice, Precision } from "../../engine/names.js"
import type { TrainingPictures } from "../../report/training-pictures.js"
import { runTraining } from "../../train/run.js"
import type { RunEvents } from "../../train/run-events.js"
import { RunFolder, type RunFolderOptions, type SavedModel } from "../../train/run-folder.js"
import type { RunOptions } from "../../train/run-options.js"
import { isDone, type RunPosition, runStart } from "../../train/run-position.js"
import { sharedEvents } from "../../train/shared-events.js"
import type { SavedState } from "../../train/state.js"
import type { TrainingTask } from "../../train/training-task.js"
import { type HeldFolder, holdFolder } from "../folder-lock.js"
import { type Listener, listenerOf, type TaskHooks } from "../hooks.js"
import { batchesPerStep } from "../options/training.js"
import { expectDataOf } from "../run-data.js"
import { environment } from "./environment.js"
import { following, newFaults } from "./follow-run.js"
import type { Look } from "./look.js"
import { countProcesses, decideThreads, expectAlike, ProcessLog, startTogether } from "./processes.js"
import {
  createRun,
  type DatasetFingerprint,
  keepPlaces,
  type ResumeChanges,
  type RunRecord,
  refuseExistingRun,
  reopenRun,
  stateOf,
} from "./run-record.js"
import { howToGoOn, resultOf, type TrainHooks, type TrainResult } from "./train-result.js"

/** Options that every trainer has. */
interface CommonConfig {
  readonly data: unknown
  readonly out?: string | undefined
  readonly engine: EngineChoice
  readonly precision?: Precision
  readonly keep: number
  readonly tensorboard: boolean
  readonly accumulate: number
  readonly processes?: number | undefined
  readonly threads?: number | undefined
  readonly joinTimeout: string
}

/** What is to be trained, decided; `start` is what the first steps need beside it, such as the weights to start from. */
interface Decided<Config, Model, Data, Start> {
  readonly config: Config
  readonly model: Model
  readonly data: Data
  readonly start: Start
}

/** Where a run's weights come from: a start of its own, or a saved state. */
export type Origin<Start> =
  | { readonly start: Start; readonly state?: undefined }
  | { readonly state: SavedState; readonly start?: undefined }

/** A task whose kind of batches nobody else needs to know. */
export interface Trainable {
  readonly batchesPerEpoch: number
  /** `runTraining` of the task. */
  run(
    options: RunOptions,
    events: RunEvents,
    signal: AbortSignal,
    from: SavedState | undefined,
    cluster: Cluster | undefined,
  ): Promise<RunPosition>
}

export const trainable = <Batch, Prepared extends { dispose(): void }>(
  task: TrainingTask<Batch, Prepared>,
): Trainable => ({
  batchesPerEpoch: task.batchesPerEpoch,
  run: (options, events, signal, from, cluster) => runTraining(task, options, events, signal, from, cluster),
})

/** All that a trainer has made ready for a run. */
export interface PreparedRun {
  readonly task: Trainable
  readonly options: RunOptions
  readonly parameters: Parameters
  readonly saved: SavedModel
  /** What the report shows of it. */
  readonly look: Look
  /** What of a weights file the run began with, for people; absent where there was none. */
  readonly loaded?: string | undefined
  /** Faults of images met so far. */
  faults(): readonly Fault[]
  close(): Promise<void>
}

/** One kind of training: what it reads, decides and builds. The flow is the same for all. */
export interface Trainer<Given extends CommonConfig, Config extends CommonConfig, Model, Data, Start> {
  /** Where runs go by default: `runs/<folder>/trainN`. */
  readonly folder: string
  /** Of the decided options, as config.json keeps them. */
  readonly schema: z.ZodType<Config>
  /** Decides what was left open, from the weights and the data, and tells what it found and decided. */
  decide(given: Given, listener: Listener): Promise<Decided<Config, Model, Data, Start>>
  /** Reads the data of a run that goes on, and tells what they are. @param heldOut names of the images that it has held out */
  read(config: Config, listener: Listener, heldOut?: readonly string[]): Promise<Data>
  fingerprint(data: Data): DatasetFingerprint
  /** The options of a run like this one with nothing left open. */
  explicit(config: Config, model: Model, data: Data): object
  /** Builds the network and its batches; the engine has been started. */
  prepare(
    run: { readonly config: Config; readonly model: Model; readonly data: Data } & Origin<Start>,
    listener: Listener,
  ): Promise<PreparedRun>
  /** A model's description as a run stored it, checked, and in full where an earlier version wrote it. */
  complete?(run: string, stored: unknown): Model
}

/** Trains from the start. */
export async function train<Given extends CommonConfig, Config extends CommonConfig, Model, Data, Start>(
  trainer: Trainer<Given, Config, Model, Data, Start>,
  given: Given,
  hooks: TrainHooks,
): Promise<TrainResult> {
  const log = logOf(hooks)
  const heard = log?.hooksOf(hooks) ?? hooks
  const listener = listenerOf(heard)
  const isFirst = log === undefined
  if (isFirst) refuseExistingRun(given.out)
  const processes = countProcesses(given.processes, hooks)
  const counted = { ...given, processes, threads: decideThreads(given.threads, hooks, listener) }
  const { config, model, data, start } = await trainer.decide(counted, listener)
  const cluster = await startTogether(config, hooks, listener)
  return await endingTogether(cluster, async () => {
    const prepared = await trainer.prepare({ config, model, data, start }, listener)
    return await trainPrepared(
      { ...prepared, cluster, log },
      config,
      { model, data: trainer.fingerprint(data) },
      heard,
      () => {
        const record = { config: stored(config), model, data: trainer.fingerprint(data) }
        const { loaded } = prepared
        return createRun(trainer.folder, config.out, {
          ...record,
          ...(loaded && { loaded }),
          environment: environment(),
        })
      },
    )
  })
}

/** Goes on with a run that was interrupted, bit for bit; one that is done only tells what it came to. */
export async function resume<Given extends CommonConfig, Config extends CommonConfig, Model, Data, Start>(
  trainer: Trainer<Given, Config, Model, Data, Start>,
  run: string,
  { own = {}, ...changes }: ResumeChanges & { readonly own?: Partial<Config> },
  hooks: TrainHooks,
): Promise<TrainResult> {
  const log = logOf(hooks)
  const heard = log?.hooksOf(hooks) ?? hooks
  const listener = listenerOf(heard)
  const saved: RunRecord<Config, Model> = reopenRun(run, trainer.schema, changes as Record<string, unknown>)
  using held = log === undefined ? holdFolder(run, "trained") : undefined
  const config = { ...saved.config, ...own }
  expectWork(config, hooks, run)
  const model = trainer.complete ? trainer.complete(run, saved.model) : saved.model
  if (typeof config.data === "string") expectDataOf(run, config.data)
  const data = await trainer.read(config, listener, saved.data.heldOut)
  const state = stateOf(run, saved.data, trainer.fingerprint(data), String(saved.config.data))
  const cluster = await startTogether(config, hooks, listener)
  return await endingTogether(cluster, async () => {
    const prepared = await trainer.prepare({ config, model, data, state }, listener)
    const about = { model, data: saved.data, position: state.position }
    return await trainPrepared({ ...prepared, cluster, log, state }, config, about, heard, () => {
      keepPlaces(run, changes)
      return held!
    })
  })
}

/** What a process other than the first one writes in the place of printing. */
const logOf = ({ processes }: TrainHooks): ProcessLog | undefined =>
  processes === undefined || processes.rank === 0 ? undefined : new ProcessLog(processes.rank)

/** @throws UsageError when a step has too few batches for so many processes */
function expectWork(config: CommonConfig, { processes }: TrainHooks, run: string): void {
  const batches = batchesPerStep(config)
  const count = processes?.count ?? 1
  if (count <= batches) return
  throw new UsageError(`${run}: a step of this run has ${batches} batches, too few for ${count} processes`)
}

/** Does `work`, and tells the others when it fails. */
async function endingTogether<Result>(cluster: Cluster | undefined, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    await cluster?.fail(error)
    throw error
  }
}

/** The options that `train` would use, with nothing left open. */
export async function plan<Given extends CommonConfig, Config extends CommonConfig, Model, Data, Start>(
  trainer: Trainer<Given, Config, Model, Data, Start>,
  given: Given,
  hooks: TaskHooks,
): Promise<object> {
  const listener = listenerOf(hooks)
  const { config, model, data } = await trainer.decide(given, listener)
  return trainer.explicit(config, model, data)
}

/** What only a program can pass is no text to be stored; who resumes such a run passes it again. */
function stored<Config extends CommonConfig>(config: Config): object {
  const { valData: _, backbone: __, ...plain } = config as CommonConfig & { valData?: unknown; backbone?: unknown }
  return typeof config.data === "string" ? plain : { ...plain, data: "(given by the program)" }
}

interface Joined {
  readonly cluster: Cluster | undefined
  readonly log: ProcessLog | undefined
  readonly state?: SavedState
}

/**
 * Trains into a run's folder, tells each report, and frees what was made ready.
 * @param about what all processes must have alike, beside the options
 * @param openFolder called in the first process alone
 */
async function trainPrepared(
  { task, options, parameters, saved, look, faults, close, cluster, log: own, state }: PreparedRun & Joined,
  config: RunFolderOptions,
  about: unknown,
  hooks: TrainHooks,
  openFolder: () => HeldFolder,
): Promise<TrainResult> {
  const { signal, log, fault } = listenerOf(hooks)
  try {
    if (cluster !== undefined) await expectAlike(cluster, config, about, parameters)
    using held = own === undefined ? openFolder() : undefined
    const run = (cluster === undefined ? held?.folder : await cluster.share(held?.folder))!
    own?.open(run)
    const folder = held && new RunFolder(run, parameters, saved, log, config)
    const position = state?.position ?? runStart
    if (isDone(position, options)) {
      folder?.sweep(position)
      log(`${run} is finished: ${howToGoOn(position, options)}`)
      return resultOf(run, position, options, signal)
    }
    await folder?.begin(position)
    if (state) log(`continuing after step ${position.step}, in epoch ${position.epoch + 1}`)
    folder?.show(await picturesOr(async () => ({ batch: await look.batch() }), log))
    const tellFaults = newFaults(faults, fault)
    const told = folder && following({ folder, run, options, best: position.best }, tellFaults, hooks)
    const events = cluster === undefined ? told! : sharedEvents(cluster, told)
    const end = await task.run(options, events, signal, state, cluster).catch(nameRun(run)).finally(tellFaults)
    if (folder && !signal.aborted) {
      folder.show(await picturesOr(() => validationPictures(look), log))
      await folder.writeReport(end)
    }
    if (folder?.failure) throw new UserError(`${run}: the last save failed: ${folder.failure.message}`)
    // None ends before all is saved.
    const stops = (await cluster?.exchange(signal.aborted)) ?? [signal.aborted]
    return resultOf(run, end, options, { aborted: stops.includes(true) })
  } finally {
    await close()
    freeIfPossible(() => parameters.dispose())
  }
}

/** Says of a run that lost a process where it can go on. */
const nameRun = (run: string) => (error: unknown) => {
  if (error instanceof LostProcessError && existsSync(join(run, "state"))) error.run = run
  throw error
}

/** Pictures of a run; what keeps them from being made never stops it. */
async function picturesOr(make: () => Promise<TrainingPictures>, log: Listener["log"]): Promise<TrainingPictures> {
  try {
    return await make()
  } catch (error) {
    log(`the report goes without pictures: ${(error as Error).message}`)
    return {}
  }
}

async function validationPictures(look: Look): Promise<TrainingPictures> {
  const validation = await look.validation()
  return validation === undefined ? {} : { validation }
}

/** The purpose of a seed that makes first weights. */
export const INITIALISATION_SEED = 1
