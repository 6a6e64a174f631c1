import type * as tf from "@tensorflow/tfjs-core"
import { DataError, DivergedError } from "../core/errors.js"
import { freeIfPossible, isOutOfMemory, OutOfMemoryError } from "../core/out-of-memory.js"
import type { Parameters } from "../core/parameters.js"
import { mixSeeds, type Random, seededRandom } from "../core/random.js"
import { awaitReadback } from "../engine/readback.js"
import { AccumulatedSteps, type BatchFigures, inSteps } from "./accumulate.js"
import { WeightAverage } from "./average.js"
import { followLoss, hasExploded, type LossTrend, mostRetries } from "./explosion.js"
import { Means, noSums, type Sums } from "./means.js"
import { createOptimizer, type Optimizer } from "./optimizer.js"
import type { AdamWOptions, AverageOptions, RateFactors, SgdOptions } from "./options.js"
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
import type { SavedState } from "./state.js"
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
  /** How large a batch is, and what to lower where it does not fit into memory. */
  size?(batch: Batch): { readonly is: string; readonly lower: string }
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
  /** AdamW instead of SGD. */
  readonly adamw?: AdamWOptions
  /** Parts that learn at another rate. */
  readonly rates?: RateFactors
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
  /** The run ends after so many validations in a row that found the model no better. */
  readonly patience?: number | undefined
  /** The run ends after so long, wherever in an epoch that is; one that goes on has as long again. */
  readonly maxMinutes?: number | undefined
  /** `retry`: back to where the epoch began, with half the rate, `mostRetries` times at most; `stop` where left out. */
  readonly onDiverge?: "retry" | "stop"
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
  /** Seconds that the epoch has taken so far. */
  readonly seconds?: number
  /** Validations in a row that found the model no better. */
  readonly waited?: number
  /** How the losses have been. */
  readonly trend?: LossTrend
  /** How often the run diverged and went back; each time halves the rate of all that follows. */
  readonly retries?: number
}

/** What an epoch is told by, beside its losses and what validation measured. */
export interface EpochFigures {
  /** The gradients' length before they are clipped: the mean of the epoch's steps. */
  readonly gradNorm: number
  /** The learning rate of the last step. */
  readonly rate: number
  /** How long the epoch took, its validation included. */
  readonly seconds: number
}

/** What a run goes on from, beside the weights. */
export interface RunStart {
  readonly position: RunPosition
  /** The optimizer's at that point; zeros when left out. */
  readonly moments?: ReadonlyMap<string, Float32Array>
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
    figures: EpochFigures,
  ): Promise<void>
  /** An epoch begins: what it begins with is to be kept, for `goBack`. */
  onEpochStart?(position: RunPosition, optimizer: Optimizer, average?: WeightAverage): Promise<void>
  /** What `onEpochStart` kept, if that could be written. */
  epochStart?(): Promise<SavedState | undefined>
  /** The run diverged and went back to `position`. @param reason one line */
  onGoBack?(position: RunPosition, reason: string): Promise<void>
  /**
   * The model just became the best. With an `average`, that is the model to keep.
   * @returns whether it was kept: one that could not be written is not the best
   */
  onBest(position: RunPosition, average?: WeightAverage): Promise<boolean>
  /** Time to save. */
  onSave(position: RunPosition, optimizer: Optimizer, average?: WeightAverage): Promise<void>
}

export const runStart: RunPosition = { epoch: 0, batch: 0, step: 0, best: null, losses: noSums }

/** Whether a run is over: its length is reached, or its patience. */
export const isDone = (
  { epoch, step, pending = false, waited = 0 }: RunPosition,
  { epochs, steps, patience = Number.POSITIVE_INFINITY }: Pick<RunOptions, "epochs" | "steps" | "patience">,
): boolean => !pending && (waited >= patience || (steps === undefined ? epoch >= epochs : step >= steps))

/** How many steps a run has: of a whole epoch, and in all. */
export function runLength(
  { epochs, steps, accumulate = 1 }: Pick<RunOptions, "epochs" | "steps" | "accumulate">,
  batchesPerEpoch: number,
): { readonly stepsPerEpoch: number; readonly steps: number } {
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / accumulate)
  return { stepsPerEpoch, steps: steps ?? epochs * stepsPerEpoch }
}

/**
 * Trains until the last epoch or step, until patience or time is at an end, or until `signal` is aborted: then the state
 * after the last whole step is saved. A validation that the signal cut short is made again by the run that goes on.
 * @param from where to begin
 * @returns where it stopped; see `isDone`
 * @throws DivergedError naming the loss, the step and the images; nothing is saved from that step on. DataError when an
 *   epoch made no step, since none of its images could be read. OutOfMemoryError
 */
export async function runTraining<Batch, Prepared extends { dispose(): void }>(
  task: TrainingTask<Batch, Prepared>,
  options: RunOptions,
  events: RunEvents,
  signal: AbortSignal,
  from: RunStart = { position: runStart },
): Promise<RunPosition> {
  const { position, moments } = from
  if (position.batch > task.batchesPerEpoch) {
    throw new DataError(
      `the saved state stands at batch ${position.batch} of an epoch of ${task.batchesPerEpoch}: it is not of this run`,
    )
  }
  const trainable = task.parameters.trainable()
  const optimizer = createOptimizer(trainable, options)
  if (moments) optimizer.restore(moments)
  const average = options.average && new WeightAverage(trainable, options.average)
  if (from.average) average?.restore(from.average)
  const updates = new AccumulatedSteps(trainable, optimizer)
  const { steps } = runLength(options, task.batchesPerEpoch)
  let window = new ReportWindow(steps, position.window)
  let { epoch, batch: start, step, best, pending = false, waited = 0, trend, retries = 0, seconds = 0 } = position
  let sums = new Means(position.losses)
  let schedule = needsFeedback(options.schedule) ? (position.schedule ?? scheduleStart) : undefined
  const begunAt = performance.now()
  let savedAt = begunAt
  let countedAt = begunAt
  const isOver = () => isDone({ ...here(), pending: false, waited: 0 }, options)
  // Never before a step: a run that goes on again and again comes to its end.
  const isOutOfTime = () =>
    options.maxMinutes !== undefined &&
    step > position.step &&
    performance.now() - begunAt >= options.maxMinutes * 60_000
  try {
    while (pending || !(isDone(here(), options) || isOutOfTime())) {
      if (!pending) await trainEpoch()
      if (signal.aborted && !isOver()) break
      const isWithin = isOutOfTime() || (options.steps !== undefined && isOver())
      // Cleared before the end of the epoch, which saves the position.
      pending = signal.aborted
      if (!pending) pending = !(await endOfEpoch(sums.means(), isWithin))
      if (pending || isWithin) break
      epoch++
      start = 0
      seconds = 0
      sums = new Means()
      if (signal.aborted) break
    }
    const end = here()
    if (signal.aborted) await save(end)
    return end
  } finally {
    for (const held of [updates, average, optimizer]) freeIfPossible(() => held?.dispose())
  }

  function here(): RunPosition {
    return {
      ...{ epoch, batch: start, step, best, losses: sums.state(), window: window.state(), seconds },
      ...(schedule && { schedule }),
      ...(pending && { pending }),
      ...(waited > 0 && { waited }),
      ...(trend && { trend }),
      ...(retries > 0 && { retries }),
    }
  }

  /** The rest of an epoch; where it diverges, from its beginning again. */
  async function trainEpoch(): Promise<void> {
    for (;;) {
      if (start === 0 && options.onDiverge === "retry") {
        await readBack()
        await events.onEpochStart?.(here(), optimizer, average)
      }
      try {
        return await trainSteps()
      } catch (error) {
        if (!(error instanceof DivergedError)) throw error
        await goBack(error)
      }
    }
  }

  /** Steps up to the end of the epoch, of the run, or to a wish to stop. */
  async function trainSteps(): Promise<void> {
    const before = step
    events.onProgress?.("train", step, steps)
    let random = stepRandom()
    for await (const [batch, isLast] of inSteps(task.batches(epoch, start), options.accumulate ?? 1)) {
      const { gradNorm, losses } = await addBatch(batch, isLast, random)
      const told: Record<string, number> = { ...losses, ...(await task.figures?.()) }
      if (schedule) schedule = afterStep(schedule, options.schedule, told.train_error ?? 0)
      const figures = { ...told, ...(gradNorm !== undefined && { gradNorm }) }
      sums.add(figures)
      window.add(figures, task.waited(batch))
      if (!isLast) continue
      const rate = rateNow()
      step++
      random = stepRandom()
      average?.follow(step)
      start = task.next(batch)
      events.onProgress?.("train", step, steps)
      countTime()
      if (step % options.reportEvery === 0) await events.onStep(window.report(epoch, step, rate))
      if (signal.aborted || isOutOfTime() || (options.steps !== undefined && isOver())) return
      if (isSaveDue()) await save(here())
    }
    if (start === 0 && step === before) {
      throw new DataError("none of the training images could be used: a whole epoch had no step")
    }
  }

  /** Back to where the epoch began, with half the rate, where that can help. */
  async function goBack(error: DivergedError): Promise<void> {
    const saved = options.onDiverge === "retry" && retries < mostRetries ? await events.epochStart?.() : undefined
    // Where nothing has moved since, no rate helps.
    if (saved === undefined || saved.position.epoch !== epoch || saved.position.step === step) {
      throw new DivergedError(`${error.message}. ${divergenceAdvice(rateNow(), retries)}`)
    }
    task.parameters.restore(saved.weights)
    optimizer.restore(saved.moments)
    if (saved.average) average?.restore(saved.average)
    updates.dispose()
    ;({ step, trend, schedule } = saved.position)
    start = 0
    sums = new Means()
    window = new ReportWindow(steps, saved.position.window)
    retries++
    const position = here()
    await events.onGoBack?.(
      position,
      `${error.message}. Going back to step ${step} with half the learning rate, ${retries} of ${mostRetries} times`,
    )
    await save(position)
  }

  function rateNow(): number {
    return learningRate(step, options.schedule, schedule) * 0.5 ** retries
  }

  function countTime(): void {
    const now = performance.now()
    seconds += (now - countedAt) / 1000
    countedAt = now
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

  async function addBatch(batch: Batch, isLast: boolean, random: Random): Promise<BatchFigures> {
    let prepared: Prepared | undefined
    try {
      prepared = await task.prepare(batch)
      const made = () => task.losses(prepared!, batch, random)
      const figures = await updates.add(made, isLast, { rate: rateNow(), clipNorm: options.clipNorm })
      trend = followLoss(trend, figures.losses.loss!)
      if (hasExploded(trend)) {
        throw new DivergedError(
          `the loss exploded: ${trend.recent.toPrecision(3)} over the last batches, ${trend.first.toPrecision(3)} at the start`,
        )
      }
      return figures
    } catch (error) {
      const where = `at step ${step + 1} (epoch ${epoch + 1})`
      if (isOutOfMemory(error)) throw outOfMemory(where, batch)
      if (!(error instanceof DivergedError)) throw error
      throw new DivergedError(`training diverged ${where}: ${error.message}, with images ${task.describe(batch)}`)
    } finally {
      freeIfPossible(() => prepared?.dispose())
    }
  }

  function outOfMemory(where: string, batch: Batch): OutOfMemoryError {
    const { is, lower } = task.size?.(batch) ?? { is: "a batch", lower: "--batch" }
    return new OutOfMemoryError(`out of memory ${where} with ${is} (${task.describe(batch)}). Lower ${lower}`)
  }

  /**
   * Validates, tells and saves; false where the signal cut that short, so that it is still to be done.
   * @param isWithin the run ends here, wherever in the epoch that is, from where it can go on
   */
  async function endOfEpoch(means: Readonly<Record<string, number>>, isWithin: boolean): Promise<boolean> {
    const isLast = isWithin || (options.steps === undefined && epoch + 1 === options.epochs)
    if (isLast) await task.finish?.(signal)
    const done = epoch + 1
    const due = options.validateEvery > 0 && (done % options.validateEvery === 0 || isLast)
    const onImage = (at: number, total: number) => events.onProgress?.("validate", at, total)
    const validate = async () => (due && task.validate && !signal.aborted ? await task.validate(signal, onImage) : {})
    const metrics = await (average === undefined ? validate() : average.during(validate))
    if (signal.aborted) return false
    const rate = learningRate(Math.max(0, step - 1), options.schedule, schedule) * 0.5 ** retries
    const value = metrics[options.metric]
    const isBest = value !== undefined && (best === null || value > best)
    // A validation out of turn is none that a run which goes on would have made.
    if (value !== undefined && !isWithin) {
      if (schedule) schedule = afterValidation(schedule, options.schedule, value)
      waited = isBest ? 0 : waited + 1
    }
    if (!isLast && isDone({ ...here(), pending: false }, options)) await task.finish?.(signal)
    countTime()
    const { gradNorm = Number.NaN, ...losses } = means
    await events.onEpoch(done, losses, metrics, { gradNorm, rate, seconds })
    const there = isWithin ? {} : { epoch: done, batch: 0, losses: noSums, seconds: 0 }
    if (isBest) {
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
    await awaitReadback([...weights, ...optimizer.moments.values(), ...(average?.means.values() ?? [])])
  }
}

function divergenceAdvice(rate: number, retries: number): string {
  const lr = Number(rate.toPrecision(3))
  if (retries === 0) return `The learning rate was ${lr}; try a lower --lr`
  return `The learning rate was ${lr}, halved ${retries} times; look at the boxes of these images, and try a lower --lr`
}
