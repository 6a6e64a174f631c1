import { DataError, DivergedError } from "../core/errors.js"
import { freeIfPossible } from "../core/out-of-memory.js"
import { mixSeeds, type Random, seededRandom } from "../core/random.js"
import { awaitReadback } from "../engine/readback.js"
import { AccumulatedSteps, type BatchFigures, inSteps } from "./accumulate.js"
import { WeightAverage } from "./average.js"
import { divergenceAdvice, faultOfBatch } from "./batch-faults.js"
import { followLoss, hasExploded, mostRetries } from "./explosion.js"
import { Means, noSums } from "./means.js"
import { createOptimizer } from "./optimizer.js"
import { ReportWindow } from "./report-window.js"
import type { RunEvents } from "./run-events.js"
import { type RunOptions, runLength } from "./run-options.js"
import { isDone, type RunPosition, type RunStart, runStart } from "./run-position.js"
import { afterStep, afterValidation, learningRate, needsFeedback, scheduleStart } from "./schedule.js"
import type { TrainingTask } from "./training-task.js"

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
      throw faultOfBatch(error, where, batch, task)
    } finally {
      freeIfPossible(() => prepared?.dispose())
    }
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
