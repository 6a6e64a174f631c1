import { Means } from "./means.js"

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

/** What happened since the last report. */
export class ReportWindow {
  readonly #steps: number
  #losses = new Means()
  #waited = 0
  #since = performance.now()

  /** @param steps of the whole run */
  constructor(steps: number) {
    this.#steps = steps
  }

  add(losses: Readonly<Record<string, number>>, waited: number): void {
    this.#losses.add(losses)
    this.#waited += waited
  }

  /** @param epoch from 0; `step` counts the steps done */
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
