import { loadOnnxRuntime } from "../engine/onnx-runtime.js"
import { createSession, type RuntimeOptions, type Session } from "./runtime.js"

export interface SessionOptions {
  /** How many threads compute; as many as there are cores where it is left out. */
  readonly threads?: number | undefined
}

/**
 * Idle threads sleep at once instead of asking again and again for work. That took up to a sixth of the processor time of a
 * detection from whatever else the machine does (docs/decisions/0186-threads-that-sleep.md).
 * @source onnxruntime, core/session/onnxruntime_session_options_config_keys.h
 */
const sleepingThreads = { session: { intra_op: { allow_spinning: "0" } } } as const

/** What ONNX Runtime's own options are set to. */
export const runtimeOptions = ({ threads }: SessionOptions = {}): RuntimeOptions => ({
  extra: sleepingThreads,
  ...(threads !== undefined && { intraOpNumThreads: threads }),
})

/**
 * Loads a model into Node's ONNX Runtime.
 * @param bytes of its file
 * @throws UserError when ONNX Runtime is not here, Error (ONNX Runtime's own) when it does not take the model
 */
export const openSession = async (bytes: Uint8Array, options?: SessionOptions): Promise<Session> =>
  createSession(await loadOnnxRuntime(), bytes, runtimeOptions(options))
