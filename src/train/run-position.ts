import type { LossTrend } from "./explosion.js"
import { noSums, type Sums } from "./means.js"
import type { RunOptions } from "./run-options.js"
import type { ScheduleState } from "./schedule.js"

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

/** What a run goes on from, beside the weights. */
export interface RunStart {
  readonly position: RunPosition
  /** The optimizer's at that point; zeros when left out. */
  readonly moments?: ReadonlyMap<string, Float32Array>
  /** The running mean of the weights at that point, where there is one. */
  readonly average?: ReadonlyMap<string, Float32Array>
}

export const runStart: RunPosition = { epoch: 0, batch: 0, step: 0, best: null, losses: noSums }

/** Whether a run is over: its length is reached, or its patience. */
export const isDone = (
  { epoch, step, pending = false, waited = 0 }: RunPosition,
  { epochs, steps, patience = Number.POSITIVE_INFINITY }: Pick<RunOptions, "epochs" | "steps" | "patience">,
): boolean => !pending && (waited >= patience || (steps === undefined ? epoch >= epochs : step >= steps))
