import { rmSync } from "node:fs"
import { join } from "node:path"
import { DivergedError } from "../../core/errors.js"
import { OutOfMemoryError } from "../../core/out-of-memory.js"
import { hasState } from "../../train/state.js"
import type { TaskHooks } from "../hooks.js"
import type { TrainDetectorOptions } from "../options/train-detector.js"
import { resumeDetector, trainDetector } from "../train-detector.js"
import type { TrainResult } from "../training/train-result.js"
import type { TrialResult } from "./record.js"
import type { Choice } from "./search.js"

/** Where a trial of a round trains. */
export const trialFolder = (folder: string, round: number, trial: number) => join(folder, "trials", `${round}-${trial}`)

/**
 * Trains a trial to its end, or goes on with one that was interrupted.
 * @returns what it came to; a trial that diverges or does not fit into memory came to nothing
 */
export async function runTrial(
  folder: string,
  options: TrainDetectorOptions,
  { signal, onProgress, onFault }: TaskHooks,
): Promise<"stopped" | Pick<TrialResult, "value" | "failure">> {
  const hooks = { signal, ...(onProgress && { onProgress }), ...(onFault && { onFault }) }
  const { data, valData, backbone } = options
  const isBegun = hasState(folder)
  if (!isBegun) rmSync(folder, { recursive: true, force: true })
  let result: TrainResult
  try {
    result = await (isBegun
      ? resumeDetector(folder, { data, ...(valData && { valData }), ...(backbone && { backbone }) }, hooks)
      : trainDetector(options, hooks))
  } catch (error) {
    if (!(error instanceof DivergedError || error instanceof OutOfMemoryError)) throw error
    return { value: null, failure: error.message.split(". ")[0]! }
  }
  if (!result.finished) return "stopped"
  // A trial that is done never goes on.
  for (const name of ["state", "state.old", "epoch-start"]) rmSync(join(folder, name), { recursive: true, force: true })
  return { value: result.best }
}

export function trialLine(
  { round, trial, value, failure, seconds }: TrialResult,
  choice: Choice,
  metric: string,
  of: number,
): string {
  const { lr, size, anchors = "preset", augment = "mirror" } = choice
  const came = value === null ? (failure ?? "failed") : `${metric} ${value.toFixed(4)}`
  return `round ${round}, trial ${trial} (${of} in all): lr ${lr}, size ${size}, anchors ${anchors}, augment ${augment}: ${came}, ${seconds.toFixed(0)} s`
}

/** Of a trial that is out, and of one that was trained anew for longer, the figures stay. */
export function dropWeights(folder: string, round: number, trial: number): void {
  rmSync(join(trialFolder(folder, round, trial), "weights"), { recursive: true, force: true })
}
