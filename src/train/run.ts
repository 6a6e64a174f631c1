import { DataError, DivergedError } from "../core/errors.js"
import { freeIfPossible } from "../core/out-of-memory.js"
import { mixSeeds, type Random, seededRandom } from "../core/random.js"
import type { Cluster } from "../engine/cluster.js"
import { awaitReadback } from "../engine/readback.js"
import { AccumulatedSteps, type ToldBatch } from "./accumulate.js"
import { Agreement } from "./agreement.js"
import { WeightAverage } from "./average.js"
import { divergedWith, divergenceAdvice, faultOfBatch } from "./batch-faults.js"
import { followLoss, hasExploded, mostRetries } from "./explosion.js"
import { inSteps, isInShare } from "./in-steps.js"
import { Means, noSums } from "./means.js"
import { movingStatistics } from "./moving-statistics.js"
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
 * @param cluster the processes that share out the batches of each step; `accumulate` counts those of all of them, and a step
 *   of two is bit for bit that of one process. All of them call this alike; what the events keep is the first one's affair
 * @returns where it stopped; see `isDone`
 * @throws DivergedError naming the loss, the step and the images; nothing is saved from that step on. DataError when an
 *   epoch made no step, since none of its images could be read. OutOfMemoryError
 */
export async function runTraining<Batch, Prepared extends { dispose(): void }>(
  task: TrainingTask<Batch, Prepared>,
  options: RunOptions,
  events: RunEvents,
  asked: AbortSignal,
  from: RunStart = { position: runStart },
  cluster?: Cluster,
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
  const statistics = movingStatistics(task.parameters)
  const perStep = options.accumulate ?? 1
  const agreement = new Agreement(asked, cluster)
  const { signal } = agreement
  const { steps } = runLength(options, task.batchesPerEpoch)
  let window = new ReportWindow(steps, position.window)
  let { epoch, batch: start, step, best, pending = false, waited = 0, trend, retries = 0, seconds = 0 } = position
  let sums = new Means(position.losses)
  let schedule = needsFeedback(options.schedule) ? (position.schedule ?? scheduleStart) : undefined
  let savedAt = agreement.now
  let countedAt = agreement.now
  const stepName = () => `at step ${step + 1} (epoch ${epoch + 1})`
  const isOver = () => isDone({ ...here(), pending: false, waited: 0 }, options)
  // Never before a step: a run that goes on again and again comes to its end.
  const isOutOfTime = () =>
    options.maxMinutes !== undefined && step > position.step && agreement.now >= options.maxMinutes * 60_000
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
    const isOwn = cluster && isInShare(cluster, perStep)
    const own: ToldBatch[] = []
    const shares = { perStep, start, batches: task.batchesPerEpoch, next: task.next, share: cluster }
    for await (const { batch, place, isLast, end } of inSteps(task.batches(epoch, start, isOwn), shares)) {
      if (batch !== undefined) {
        const told = await addBatch(batch, place, isLast && cluster === undefined)
        if (cluster === undefined) take(told)
        else own.push(told)
      }
      if (!isLast) continue
      if (cluster !== undefined && !(await updateTogether(cluster, own.splice(0)))) continue
      const rate = rateNow()
      step++
      window.endStep()
      average?.follow(step)
      start = end
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

  /** Takes note of what a batch was told by. */
  function take({ figures, waited }: ToldBatch): void {
    if (schedule) schedule = afterStep(schedule, options.schedule, figures.train_error ?? 0)
    sums.add(figures)
    window.add(figures, waited)
  }

  /** Ends a step whose batches are spread over the processes; false where all of them were lost. */
  async function updateTogether(among: Cluster, own: readonly ToldBatch[]): Promise<boolean> {
    const shares = await agreement.agree(own)
    const told = shares.flat().sort((one, other) => one.place - other.place)
    for (const { figures, diverged, images } of told) {
      if (diverged !== undefined) throw new DivergedError(diverged)
      follow(figures.loss!, images)
    }
    for (const [i, one] of told.entries()) {
      if (i < told.length - 1) take(one)
      else {
        const share = { batches: told.length, active: shares.filter(({ length }) => length > 0).length, statistics }
        const gradNorm = await updates.updateTogether(among, share, { rate: rateNow(), clipNorm: options.clipNorm })
        take({ ...one, figures: { ...one.figures, gradNorm } })
      }
    }
    return told.length > 0
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
    const { now } = agreement
    seconds += (now - countedAt) / 1000
    countedAt = now
  }

  function isSaveDue(): boolean {
    const { saveEvery } = options
    if (saveEvery === undefined) return false
    if ("steps" in saveEvery) return step % saveEvery.steps === 0
    return agreement.now - savedAt >= saveEvery.minutes * 60_000
  }

  /** What the samples of a batch are drawn from, whoever has the other batches of its step. */
  function randomOf(place: number): Random {
    return seededRandom(place === 0 ? mixSeeds(options.seed, step) : mixSeeds(options.seed, step, place))
  }

  /** The losses of a batch and their gradients, and the update where it `updatesNow`. */
  async function addBatch(batch: Batch, place: number, updatesNow: boolean): Promise<ToldBatch> {
    const told = { place, waited: task.waited(batch), images: task.images(batch) }
    let prepared: Prepared | undefined
    try {
      prepared = await task.prepare(batch)
      const made = () => task.losses(prepared!, batch, randomOf(place))
      const gradients = task.gradients && (() => task.gradients!(prepared!, batch, randomOf(place)))
      const how = { rate: rateNow(), clipNorm: options.clipNorm, gradients }
      const { losses, gradNorm } = await updates.add(made, updatesNow, how)
      if (cluster === undefined) follow(losses.loss!)
      const figures = { ...losses, ...(await task.figures?.()), ...(gradNorm !== undefined && { gradNorm }) }
      return { ...told, figures }
    } catch (error) {
      const fault = faultOfBatch(error, stepName(), batch, task)
      // The others are told of it where the step ends, and all of them go back together.
      if (cluster !== undefined && fault instanceof DivergedError)
        return { ...told, figures: {}, diverged: fault.message }
      throw fault
    } finally {
      freeIfPossible(() => prepared?.dispose())
    }
  }

  /** @param images of the batch, where nobody else names them. @throws DivergedError when the loss has exploded */
  function follow(loss: number, images?: readonly string[]): void {
    trend = followLoss(trend, loss)
    if (!hasExploded(trend)) return
    const what = `the loss exploded: ${trend.recent.toPrecision(3)} over the last batches, ${trend.first.toPrecision(3)} at the start`
    throw new DivergedError(images === undefined ? what : divergedWith(what, stepName(), images))
  }

  /**
   * Validates, tells and saves; false where the signal cut that short, so that it is still to be done.
   * @param isWithin the run ends here, wherever in the epoch that is, from where it can go on
   */
  async function endOfEpoch(means: Readonly<Record<string, number>>, isWithin: boolean): Promise<boolean> {
    const isLast = isWithin || (options.steps === undefined && epoch + 1 === options.epochs)
    if (isLast) await task.finish?.(asked)
    const done = epoch + 1
    const due = options.validateEvery > 0 && (done % options.validateEvery === 0 || isLast)
    const onImage = (at: number, total: number) => events.onProgress?.("validate", at, total)
    const validate = async () =>
      due && task.validate && !signal.aborted ? await task.validate(asked, onImage, cluster) : {}
    const metrics = await (average === undefined ? validate() : average.during(validate))
    await agreement.agree(undefined)
    if (signal.aborted) return false
    const rate = learningRate(Math.max(0, step - 1), options.schedule, schedule) * 0.5 ** retries
    const value = metrics[options.metric]
    // NaN, where the validation data have nothing to judge by, makes no model the best.
    const isBest = value !== undefined && value > (best ?? Number.NEGATIVE_INFINITY)
    // A validation out of turn is none that a run which goes on would have made.
    if (value !== undefined && !isWithin) {
      if (schedule) schedule = afterValidation(schedule, options.schedule, value)
      waited = isBest ? 0 : waited + 1
    }
    if (!isLast && isDone({ ...here(), pending: false }, options)) await task.finish?.(asked)
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
    savedAt = agreement.now
  }

  async function readBack(): Promise<void> {
    const weights = [...task.parameters].map(({ variable }) => variable)
    await awaitReadback([...weights, ...optimizer.moments.values(), ...(average?.means.values() ?? [])])
  }
}
