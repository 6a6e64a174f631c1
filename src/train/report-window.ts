import { Means, noSums, type Sums } from "./means.js"

export interface StepReport {
  readonly epoch: number
  readonly step: number
  readonly rate: number
  readonly losses: Readonly<Record<string, number>>
  /** The gradients' length over all parameters together, before they are clipped: the mean of the steps since the last report. */
  readonly gradNorm: number
  /** Milliseconds since the last report, an average step, and how much of it was waiting for data. */
  readonly stepMs: number
  readonly dataMs: number
  readonly bytes: number
  readonly secondsLeft: number
}

/** What happened since the last report. */
export class ReportWindow {
  readonly #steps: number
  #losses: Means
  /** Steps of this process: a run that goes on took the time of the others elsewhere. */
  #timed = 0
  #waited = 0
  #since = performance.now()

  /**
   * @param steps of the whole run
   * @param losses of the steps since the last report, in a run that goes on
   */
  constructor(steps: number, losses: Sums = noSums) {
    this.#steps = steps
    this.#losses = new Means(losses)
  }

  /** What a run that goes on begins with. */
  state(): Sums {
    return this.#losses.state()
  }

  /** @param figures the losses, and `gradNorm` where a step is done */
  add(figures: Readonly<Record<string, number>>, waited: number): void {
    this.#losses.add(figures)
    this.#waited += waited
  }

  /** Counts a step, of one batch or more. */
  endStep(): void {
    this.#timed++
  }

  /** @param epoch from 0; `step` counts the steps done */
  report(epoch: number, step: number, rate: number): StepReport {
    const stepMs = (performance.now() - this.#since) / this.#timed
    const { gradNorm = Number.NaN, ...losses } = this.#losses.means()
    const report = {
      epoch: epoch + 1,
      step,
      rate,
      losses,
      gradNorm,
      stepMs,
      dataMs: this.#waited / this.#timed,
      bytes: process.memoryUsage.rss(),
      secondsLeft: (stepMs * (this.#steps - step)) / 1000,
    }
    this.#losses = new Means()
    this.#timed = 0
    this.#waited = 0
    this.#since = performance.now()
    return report
  }
}
