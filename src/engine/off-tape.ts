import * as tf from "@tensorflow/tfjs-core"

/** What of the engine's state belongs to a gradient tape. */
interface TapeState {
  gradientDepth: number
  kernelDepth: number
  activeTape: unknown
}

/** Does work as if no gradient tape were on: it may have tapes of its own, and one around it sees nothing of it. */
export function offTape<Result>(work: () => Result): Result {
  const state = tf.engine().state as unknown as TapeState
  const { gradientDepth, kernelDepth, activeTape } = state
  Object.assign(state, { gradientDepth: 0, kernelDepth: 0, activeTape: null })
  try {
    return work()
  } finally {
    Object.assign(state, { gradientDepth, kernelDepth, activeTape })
  }
}
