import type { WeightAverage } from "./average.js"
import type { Optimizer } from "./optimizer.js"
import type { StepReport } from "./report-window.js"
import type { RunPosition } from "./run-position.js"
import type { SavedState } from "./state.js"

/** What an epoch is told by, beside its losses and what validation measured. */
export interface EpochFigures {
  /** The gradients' length before they are clipped: the mean of the epoch's steps. */
  readonly gradNorm: number
  /** The learning rate of the last step. */
  readonly rate: number
  /** How long the epoch took, its validation included. */
  readonly seconds: number
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
