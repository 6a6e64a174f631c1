import type * as tf from "@tensorflow/tfjs-core"
import { DataError, DivergedError } from "../core/errors.js"
import type { Parameters } from "../core/parameters.js"
import { mixSeeds, type Random, seededRandom } from "../core/random.js"
import { awaitReadback } from "../engine/readback.js"
import { AccumulatedSteps, inSteps } from "./accumulate.js"
import { WeightAverage } from "./average.js"
import { Means, noSums, type Sums } from "./means.js"
import type { AverageOptions, SgdOptions } from "./options.js"
import { ReportWindow, type StepReport } from "./report-window.js"
import {
  afterStep,
  afterValidation,
  learningRate,
  needsFeedback,
  type ScheduleOptions,
  type ScheduleState,
  scheduleStart,
} from "./schedule.js"
import { Sgd } from "./sgd.js"
import type { Losses } from "./step.js"

/** What is trained: where batches come from, what their losses are, how the model is judged. */
export interface TrainingTask<Batch, Prepared extends { dispose(): void } = tf.Tensor4D> {
  readonly parameters: Parameters
  readonly batchesPerEpoch: number
  /** The batches of an epoch from `start` on: always the same ones for the same epoch. */
  batches(epoch: number, start: number): AsyncIterable<Batch>
  /** Where `batches` goes on after this one; a batch that lost all its images may have been left out before it. */
  next(batch: Batch): number
  /** What comes before the gradient tape, such as the layers that do not train; the loop disposes it. */
  prepare(batch: Batch): Promise<Prepared>
  /** The losses of a prepared batch, under the tape. */
  losses(prepared: Prepared, batch: Batch, random: Random): Losses
  /** The batch's images, to name them when something goes wrong. */
  describe(batch: Batch): string
  /** Milliseconds the step had to wait for this batch. */
  waited(batch: Batch): number
  /** What else the step just done is told by, such as `train_error`, the share of its images classified wrong. */
  figures?(): Promise<Readonly<Record<string, number>>>
  /** What is left to do to the model when its last epoch is over, before it is validated and saved. */
  finish?(signal: AbortSignal): Promise<void>
  /** The model's worth on validation data, by name; `best` is chosen by `metric`. @param onImage told how many are done */
  validate?(
    signal: AbortSignal,
    onImage?: (done: number, total: number) => void,
  ): Promise<Readonly<Record<string, number>>>
}

export interface RunOptions {
  readonly epochs: number
  /** The run ends after so many steps, wherever in an epoch that is; `epochs` then does not count. */
  readonly steps?: number
  readonly seed: number
  readonly schedule: ScheduleOptions
  readonly sgd: SgdOptions
  /** Gradients longer than this, taken together, are scaled down to it. */
  readonly clipNorm: number
  /** How many batches make a step; 1 when left out. An epoch's last step has what is left. */
  readonly accumulate?: number
  /** Whether a running mean of the weights is validated and saved in their place. */
  readonly average?: AverageOptions
  /** Validate after every so many epochs, and after the last; 0 for never. */
  readonly validateEvery: number
  /** Which of `validate`'s numbers makes a model the best: higher is better. */
  readonly metric: string
  /** Tell about every so many steps. */
  readonly reportEvery: number
  /** Save within an epoch too; only at its end when left out. */
  readonly saveEvery?: SaveInterval
}

/** Every so many steps, or when so much time has passed since the last save. */
export type SaveInterval = { readonly steps: number } | { readonly minutes: number }

/** Where a run stands: enough, with the tensors, to go on bit for bit (samples and batches are drawn from the seed). */
export interface RunPosition {
  /** The next epoch, from 0, its next batch, and steps done in all. */
  readonly epoch: number
  readonly batch: number
  readonly step: number
  readonly best: number | null
  /** The losses of this epoch's batches so far, for its mean. */
  readonly losses: Sums
  /** The losses since the last report. */
  readonly window?: Sums
  /** The epoch's steps are done, but not what ends it, such as the validation that a stop cut short. */
  readonly pending?: boolean
  /** What the schedule has learnt, where it learns. */
  readonly schedule?: ScheduleState
}

/** What a run goes on from, beside the weights. */
export interface RunStart {
  readonly position: RunPosition
  /** The optimizer's at that point; zeros when left out. */
  readonly velocities?: ReadonlyMap<string, Float32Array>
  /** The running mean of the weights at that point, where there is one. */
  readonly average?: ReadonlyMap<string, Float32Array>
}

/** What the loop tells as it goes; each call but the first is awaited, so that writing may take its time. */
export interface RunEvents {
  /** So many steps of the run, or images of a validation, are done. */
  onProgress?(job: "train" | "validate", done: number, total: number): void
  onStep(report: StepReport): Promise<void>
  onEpoch(
    epoch: number,
    losses: Readonly<Record<string, number>>,
    metrics: Readonly<Record<string, number>>,
  ): Promise<void>
  /**
   * The model just became the best. With an `average`, that is the model to keep.
   * @returns whether it was kept: one that could not be written is not the best
   */
  onBest(position: RunPosition, average?: WeightAverage): Promise<boolean>
  /** Time to save. */
  onSave(position: RunPosition, optimizer: Sgd, average?: WeightAverage): Promise<void>
}

export const runStart: RunPosition = { epoch: 0, batch: 0, step: 0, best: null, losses: noSums }

/** How many steps a run has: of a whole epoch, and in all. */
export function runLength(
  { epochs, steps, accumulate = 1 }: Pick<RunOptions, "epochs" | "steps" | "accumulate">,
  batchesPerEpoch: number,
): { readonly stepsPerEpoch: number; readonly steps: number } {
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / accumulate)
  return { stepsPerEpoch, steps: steps ?? epochs * stepsPerEpoch }
}

/**
 * Trains until the last epoch or step, or until `signal` is aborted: then the state after the last whole step is saved.
 * A validation that the signal cut short is made again by the run that goes on.
 * @param from where to begin
 * @returns where it stopped; `epoch === epochs`, or `step === steps`, when it is done
 * @throws DivergedError naming the loss, the step and the images; nothing is saved from that step on. DataError when an
 *   epoch made no step, since none of its images could be read
 */
export async function runTraining<Batch, Prepared extends { dispose(): void }>(
  task: TrainingTask<Batch, Prepared>,
  options: RunOptions,
  events: RunEvents,
  signal: AbortSignal,
  from: RunStart = { position: runStart },
): Promise<RunPosition> {
  const { position, velocities } = from
  if (position.batch > task.batchesPerEpoch) {
    throw new DataError(
      `the saved state stands at batch ${position.batch} of an epoch of ${task.batchesPerEpoch}: it is not of this run`,
    )
  }
  const trainable = task.parameters.trainable()
  const optimizer = new Sgd(trainable, options.sgd)
  if (velocities) optimizer.restore(velocities)
  const average = options.average && new WeightAverage(trainable, options.average)
  if (from.average) average?.restore(from.average)
  const updates = new AccumulatedSteps(trainable, optimizer)
  const { steps } = runLength(options, task.batchesPerEpoch)
  const window = new ReportWindow(steps, position.window)
  let { epoch, batch: start, step, best, pending = false } = position
  let sums = new Means(position.losses)
  let schedule = needsFeedback(options.schedule) ? (position.schedule ?? scheduleStart) : undefined
  let savedAt = performance.now()
  const isOver = () => (options.steps === undefined ? epoch >= options.epochs : step >= options.steps)
  try {
    for (; pending || !isOver(); epoch++, start = 0, sums = new Means()) {
      if (!pending) await trainEpoch()
      const isLast = options.steps === undefined ? epoch + 1 === options.epochs : isOver()
      if (signal.aborted && !isOver()) break
      // Cleared before the end of the epoch, which saves the position.
      pending = signal.aborted
      if (!pending) pending = !(await endOfEpoch(sums.means(), isLast))
      if (pending) break
      if (options.steps !== undefined && isLast) break
      if (signal.aborted) {
        epoch++
        start = 0
        sums = new Means()
        break
      }
    }
    const end = here()
    if (signal.aborted) await save(end)
    return end
  } finally {
    updates.dispose()
    average?.dispose()
    optimizer.dispose()
  }

  function here(): RunPosition {
    return {
      ...{ epoch, batch: start, step, best, losses: sums.state(), window: window.state() },
      ...(schedule && { schedule }),
      ...(pending && { pending }),
    }
  }

  /** Steps up to the end of the epoch, of the run, or to a wish to stop. */
  async function trainEpoch(): Promise<void> {
    const before = step
    events.onProgress?.("train", step, steps)
    let random = stepRandom()
    for await (const [batch, isLast] of inSteps(task.batches(epoch, start), options.accumulate ?? 1)) {
      const rate = learningRate(step, options.schedule, schedule)
      const losses = { ...(await addBatch(batch, isLast, rate, random)), ...(await task.figures?.()) }
      if (schedule) schedule = afterStep(schedule, options.schedule, losses.train_error ?? 0)
      sums.add(losses)
      window.add(losses, task.waited(batch))
      if (!isLast) continue
      step++
      random = stepRandom()
      average?.follow(step)
      start = task.next(batch)
      events.onProgress?.("train", step, steps)
      if (step % options.reportEvery === 0) await events.onStep(window.report(epoch, step, rate))
      if (signal.aborted || (options.steps !== undefined && isOver())) return
      if (isSaveDue()) await save(here())
    }
    if (start === 0 && step === before) {
      throw new DataError("none of the training images could be used: a whole epoch had no step")
    }
  }

  function isSaveDue(): boolean {
    const { saveEvery } = options
    if (saveEvery === undefined) return false
    if ("steps" in saveEvery) return step % saveEvery.steps === 0
    return performance.now() - savedAt >= saveEvery.minutes * 60_000
  }

  /** What the samples of a step are drawn from. */
  function stepRandom(): Random {
    return seededRandom(mixSeeds(options.seed, step))
  }

  async function addBatch(
    batch: Batch,
    isLast: boolean,
    rate: number,
    random: Random,
  ): Promise<Record<string, number>> {
    const prepared = await task.prepare(batch)
    try {
      const { clipNorm } = options
      return await updates.add(() => task.losses(prepared, batch, random), isLast, { rate, clipNorm })
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error
      throw new DivergedError(
        `training diverged at step ${step + 1} (epoch ${epoch + 1}): ${error.message}, with images ${task.describe(batch)}. ` +
          `The learning rate was ${rate}; try a lower --lr`,
      )
    } finally {
      prepared.dispose()
    }
  }

  /** Validates, tells and saves; false where the signal cut that short, so that it is still to be done. */
  async function endOfEpoch(losses: Readonly<Record<string, number>>, isLast: boolean): Promise<boolean> {
    if (isLast) await task.finish?.(signal)
    const done = epoch + 1
    const due = options.validateEvery > 0 && (done % options.validateEvery === 0 || isLast)
    const onImage = (at: number, total: number) => events.onProgress?.("validate", at, total)
    const validate = async () => (due && task.validate && !signal.aborted ? await task.validate(signal, onImage) : {})
    const metrics = await (average === undefined ? validate() : average.during(validate))
    if (signal.aborted) return false
    const value = metrics[options.metric]
    if (schedule && value !== undefined) schedule = afterValidation(schedule, options.schedule, value)
    await events.onEpoch(done, losses, metrics)
    // A run that ends by steps may be in the middle of an epoch, from where it can go on.
    const there = options.steps !== undefined && isLast ? {} : { epoch: done, batch: 0, losses: noSums }
    if (value !== undefined && (best === null || value > best)) {
      await readBack()
      const position = { ...here(), ...there, best: value }
      if (await events.onBest(position, average)) best = value
    }
    await save({ ...here(), ...there })
    return true
  }

  async function save(position: RunPosition): Promise<void> {
    await readBack()
    await events.onSave(position, optimizer, average)
    savedAt = performance.now()
  }

  async function readBack(): Promise<void> {
    const weights = [...task.parameters].map(({ variable }) => variable)
    await awaitReadback([...weights, ...optimizer.velocities.values(), ...(average?.means.values() ?? [])])
  }
}
