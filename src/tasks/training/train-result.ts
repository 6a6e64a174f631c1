import { existsSync } from "node:fs"
import { join } from "node:path"
import type { StepReport } from "../../train/report-window.js"
import type { EpochFigures } from "../../train/run-events.js"
import type { RunOptions } from "../../train/run-options.js"
import { isDone, type RunPosition } from "../../train/run-position.js"
import type { TaskHooks } from "../hooks.js"
import type { Processes } from "./processes.js"

/** How a caller follows a training run. */
export interface TrainHooks extends TaskHooks {
  /** The processes that train together; this one alone when left out. */
  readonly processes?: Processes | undefined
  /** Every `logEvery` steps: means since the last report. */
  onStep?(report: StepReport & { readonly epochs: number }): void | Promise<void>
  onEpoch?(report: EpochReport): void | Promise<void>
  /** The model is the best so far and has been saved. */
  onBest?(best: BestModel): void | Promise<void>
}

/** The model that became the best. */
export interface BestModel {
  readonly epoch: number
  /** What it is the best by, its value, and the value of the best before it; `null` for the first. */
  readonly metric: string
  readonly value: number
  readonly before: number | null
  /** Its weights file. */
  readonly file: string
}

/** What an epoch brought. */
export interface EpochReport {
  /** From 1, of how many. */
  readonly epoch: number
  readonly epochs: number
  /** Means over the epoch. */
  readonly losses: Readonly<Record<string, number>>
  /** What validation measured; empty without one. */
  readonly metrics: Readonly<Record<string, number>>
  /** The gradients' norm, the learning rate, the time. */
  readonly figures: EpochFigures
}

/** What a training run came to. */
export interface TrainResult {
  /** The run's folder. */
  readonly folder: string
  /** Its weights files; `best` is null until a validation has chosen one. */
  readonly weights: { readonly best: string | null; readonly last: string }
  /** The metric that selects `best`, and its best value. */
  readonly metric: string
  readonly best: number | null
  /** Epochs and steps that are done. */
  readonly epoch: number
  readonly step: number
  /** False where the signal or its time stopped it. */
  readonly finished: boolean
  /** What ended it: its length, no better model for `patience` validations, `maxTime`, or the signal. */
  readonly ended: "length" | "patience" | "time" | "signal"
}

/** Why a run is over, and how it can go on all the same. */
export function howToGoOn({ waited = 0 }: RunPosition, options: RunOptions): string {
  if (waited >= (options.patience ?? Number.POSITIVE_INFINITY)) {
    return `no better for ${waited} validations. Set --patience to train further`
  }
  const unit = options.steps === undefined ? "epochs" : "steps"
  return `${options[unit]} ${unit}. Set --${unit} to train further`
}

function endOf(position: RunPosition, options: RunOptions, signal: Pick<AbortSignal, "aborted">): TrainResult["ended"] {
  if (isDone(position, { ...options, patience: undefined })) return "length"
  if (isDone(position, options)) return "patience"
  return signal.aborted ? "signal" : "time"
}

export function resultOf(
  folder: string,
  position: RunPosition,
  options: RunOptions,
  signal: Pick<AbortSignal, "aborted">,
): TrainResult {
  const { epoch, step, best } = position
  const bestFile = existsSync(weightsOf(folder, "best")) ? weightsOf(folder, "best") : null
  return {
    folder,
    weights: { best: bestFile, last: weightsOf(folder, "last") },
    metric: options.metric,
    best,
    epoch,
    step,
    finished: isDone(position, options),
    ended: endOf(position, options, signal),
  }
}

export const weightsOf = (run: string, which: "best" | "last") => join(run, "weights", `${which}.safetensors`)
