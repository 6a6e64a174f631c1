import { loadOnnxRuntime } from "../engine/onnx-runtime.js"
import { createSession, type Session } from "./runtime.js"

export interface SessionOptions {
  /** How many threads compute; as many as there are cores where it is left out. */
  readonly threads?: number | undefined
}

/**
 * Loads a model into Node's ONNX Runtime.
 * @param bytes of its file
 * @throws UserError when ONNX Runtime is not here, Error (ONNX Runtime's own) when it does not take the model
 */
export const openSession = async (bytes: Uint8Array, { threads }: SessionOptions = {}): Promise<Session> =>
  createSession(await loadOnnxRuntime(), bytes, threads === undefined ? {} : { intraOpNumThreads: threads })
