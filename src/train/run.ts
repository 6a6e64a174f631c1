import * as tf from "@tensorflow/tfjs-core"
import { DivergedError } from "../tensor/errors.js"
import type { Parameters } from "../tensor/parameters.js"
import { mixSeeds, type Random, seededRandom } from "../tensor/random.js"
import { learningRate, type ScheduleOptions } from "./schedule.js"
import { Sgd, type SgdOptions } from "./sgd.js"
import { type Losses, trainStep } from "./step.js"

/** What is trained: where batches come from, what their losses are, how the model is judged. */
export interface TrainingTask<Batch> {
  readonly parameters: Parameters
  readonly batchesPerEpoch: number
  /** The batches of an epoch from `start` on: always the same ones for the same epoch. */
  batches(epoch: number, start: number): AsyncIterable<Batch>
  /** Where `batches` goes on after this one; a batch that lost all its images may have been left out before it. */
  next(batch: Batch): number
  /** What the frozen layers make of a batch, outside the gradient tape; the loop disposes it. */
  prepare(batch: Batch): tf.Tensor4D
  /** The losses of a prepared batch, under the tape. */
  losses(prepared: tf.Tensor4D, batch: Batch, random: Random): Losses
  /** The batch's images, to name them when something goes wrong. */
  describe(batch: Batch): string
  /** Milliseconds the step had to wait for this batch. */
  waited(batch: Batch): number
  /** The model's worth on validation data, by name; `best` is chosen by `metric`. */
  validate?(signal: AbortSignal): Promise<Readonly<Record<string, number>>>
}

export interface RunOptions {
  readonly epochs: number
  readonly seed: number
  readonly schedule: ScheduleOptions
  readonly sgd: SgdOptions
  /** Gradients longer than this, taken together, are scaled down to it. */
  readonly clipNorm: number
  /** Validate after every so many epochs, and after the last; 0 for never. */
  readonly validateEvery: number
  /** Which of `validate`'s numbers makes a model the best: higher is better. */
  readonly metric: string
  /** Tell about every so many steps. */
  readonly reportEvery: number
}

/** Where a run stands: enough, with the tensors, to go on bit for bit (samples and batches are drawn from the seed). */
export interface RunPosition {
  /** The next epoch, from 0, its next batch, and steps done in all. */
  readonly epoch: number
  readonly batch: number
  readonly step: number
  readonly best: number | null
  /** The losses of this epoch's steps so far, for its mean. */
  readonly losses: LossSums
}

export interface LossSums {
  readonly sums: Readonly<Record<string, number>>
  readonly count: number
}

export interface StepReport {
  readonly epoch: number
  readonly step: number
  readonly rate: number
  readonly losses: Readonly<Record<string, number>>
  /** Milliseconds since the last report, an average step, and how much of it was waiting for data. */
  readonly stepMs: number
  readonly dataMs: number
  readonly bytes: number
  readonly secondsLeft: number
}

/** What the loop tells as it goes; each call is awaited, so that writing may take its time. */
export interface RunEvents {
  onStep(report: StepReport): Promise<void>
  onEpoch(
    epoch: number,
    losses: Readonly<Record<string, number>>,
    metrics: Readonly<Record<string, number>>,
  ): Promise<void>
  /** Time to save; `improved` when the model just became the best. */
  onSave(position: RunPosition, optimizer: Sgd, improved: boolean): Promise<void>
}

const noLosses: LossSums = { sums: {}, count: 0 }

export const runStart: RunPosition = { epoch: 0, batch: 0, step: 0, best: null, losses: noLosses }

/**
 * Trains until the last epoch, or until `signal` is aborted: then the state after the last whole step is saved.
 * @param position where to begin; `velocities` are the optimizer's at that point
 * @returns where it stopped; `epoch === epochs` when it is done
 * @throws DivergedError naming the loss, the step and the images; nothing is saved from that step on
 */
export async function runTraining<Batch>(
  task: TrainingTask<Batch>,
  options: RunOptions,
  events: RunEvents,
  signal: AbortSignal,
  position: RunPosition = runStart,
  velocities?: ReadonlyMap<string, Float32Array>,
): Promise<RunPosition> {
  const trainable = task.parameters.trainable()
  const optimizer = new Sgd(trainable, options.sgd)
  if (velocities) optimizer.restore(velocities)
  const window = new ReportWindow(options.epochs * task.batchesPerEpoch)
  let { epoch, batch: start, step, best } = position
  let sums = new Means(position.losses)
  try {
    for (; epoch < options.epochs; epoch++, start = 0, sums = new Means()) {
      for await (const batch of task.batches(epoch, start)) {
        const rate = learningRate(step, options.schedule)
        const losses = oneStep(batch, rate)
        sums.add(losses)
        window.add(losses, task.waited(batch))
        step++
        start = task.next(batch)
        if (step % options.reportEvery === 0) await events.onStep(window.report(epoch, step, rate))
        if (signal.aborted) break
      }
      if (signal.aborted) break
      await endOfEpoch(sums.means())
      if (signal.aborted) {
        epoch++
        start = 0
        sums = new Means()
        break
      }
    }
    const end = { epoch, batch: start, step, best, losses: sums.state() }
    if (signal.aborted) await events.onSave(end, optimizer, false)
    return end
  } finally {
    optimizer.dispose()
  }

  function oneStep(batch: Batch, rate: number): Record<string, number> {
    const prepared = tf.tidy(() => task.prepare(batch))
    const random = seededRandom(mixSeeds(options.seed, step))
    try {
      return trainStep(() => task.losses(prepared, batch, random), trainable, optimizer, {
        rate,
        clipNorm: options.clipNorm,
      })
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

  async function endOfEpoch(losses: Readonly<Record<string, number>>): Promise<void> {
    const done = epoch + 1
    const due = options.validateEvery > 0 && (done % options.validateEvery === 0 || done === options.epochs)
    const metrics = due && task.validate ? await task.validate(signal) : {}
    if (signal.aborted) return events.onEpoch(done, losses, {})
    const value = metrics[options.metric]
    const improved = value !== undefined && !Number.isNaN(value) && (best === null || value > best)
    if (improved) best = value
    await events.onEpoch(done, losses, metrics)
    await events.onSave({ epoch: done, batch: 0, step, best, losses: noLosses }, optimizer, improved)
  }
}

/** Running means of numbers by name. */
class Means {
  readonly #sums: Record<string, number>
  #count: number

  constructor({ sums, count }: LossSums = noLosses) {
    this.#sums = { ...sums }
    this.#count = count
  }

  add(values: Readonly<Record<string, number>>): void {
    this.#count++
    for (const [name, value] of Object.entries(values)) this.#sums[name] = (this.#sums[name] ?? 0) + value
  }

  get count(): number {
    return this.#count
  }

  state(): LossSums {
    return { sums: { ...this.#sums }, count: this.#count }
  }

  means(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#count]))
  }
}

/** What happened since the last report. */
class ReportWindow {
  readonly #steps: number
  #losses = new Means()
  #waited = 0
  #since = performance.now()

  constructor(steps: number) {
    this.#steps = steps
  }

  add(losses: Readonly<Record<string, number>>, waited: number): void {
    this.#losses.add(losses)
    this.#waited += waited
  }

  report(epoch: number, step: number, rate: number): StepReport {
    const count = this.#losses.count
    const stepMs = (performance.now() - this.#since) / count
    const report = {
      epoch: epoch + 1,
      step,
      rate,
      losses: this.#losses.means(),
      stepMs,
      dataMs: this.#waited / count,
      bytes: process.memoryUsage.rss(),
      secondsLeft: (stepMs * (this.#steps - step)) / 1000,
    }
    this.#losses = new Means()
    this.#waited = 0
    this.#since = performance.now()
    return report
  }
}
