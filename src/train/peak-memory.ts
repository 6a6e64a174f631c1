import * as tf from "@tensorflow/tfjs-core"
import { DivergedError } from "../core/errors.js"
import type { RunEvents } from "./run-events.js"
import type { RunOptions } from "./run-options.js"
import type { RunPosition } from "./run-position.js"

/** `runTraining` of a task. */
type Run = (options: RunOptions, events: RunEvents, signal: AbortSignal) => Promise<RunPosition>

const silent: RunEvents = {
  async onStep() {},
  async onEpoch() {},
  onBest: async () => true,
  async onSave() {},
}

/**
 * The most bytes that tensors take in one step of training, weights, moments and average included. The step is made, so
 * the model is another one afterwards. What operations take for themselves does not count.
 * @param options of the run
 * @throws as `runTraining`, but for a loss that is NaN: it takes as much memory
 */
export async function peakBytes(run: Run, options: RunOptions, signal: AbortSignal): Promise<number> {
  const oneStep: RunOptions = { ...options, steps: 1, validateEvery: 0, onDiverge: "stop" }
  // Else TensorFlow.js reads every result, to look for NaN.
  const checks = tf.env().getBool("CHECK_COMPUTATION_FOR_ERRORS")
  tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", false)
  let failure: unknown
  try {
    const { peakBytes } = await tf.profile(async () => {
      try {
        await run(oneStep, silent, signal)
      } catch (error) {
        // Thrown out of here it would leave the profiler on.
        failure = error
      }
      return []
    })
    if (failure !== undefined && !(failure instanceof DivergedError)) throw failure
    return peakBytes
  } finally {
    tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", checks)
  }
}
