import { loadOnnxRuntime } from "../engine/onnx-runtime.js"

/** A tensor that goes into a model or comes out of it. */
export interface SessionTensor {
  readonly shape: readonly number[]
  readonly values: Float32Array | BigInt64Array
}

/** A model that ONNX Runtime has loaded. It holds memory outside JavaScript until `dispose`. */
export interface Session {
  /** Runs the model on inputs by their names; the outputs come by theirs. */
  run(inputs: Readonly<Record<string, SessionTensor>>): Promise<Readonly<Record<string, SessionTensor>>>
  dispose(): void
}

export interface SessionOptions {
  /** How many threads compute; as many as there are cores where it is left out. */
  readonly threads?: number | undefined
}

/**
 * Loads a model.
 * @param bytes of its file
 * @throws UserError when ONNX Runtime is not here, Error (ONNX Runtime's own) when it does not take the model
 */
export async function openSession(bytes: Uint8Array, { threads }: SessionOptions = {}): Promise<Session> {
  const { InferenceSession, Tensor } = await loadOnnxRuntime()
  const session = await InferenceSession.create(bytes, threads === undefined ? {} : { intraOpNumThreads: threads })
  const toTensor = ({ shape, values }: SessionTensor) =>
    values instanceof BigInt64Array ? new Tensor("int64", values, shape) : new Tensor("float32", values, shape)
  return {
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)] as const)
      const outputs = await session.run(Object.fromEntries(feeds))
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { dims, data }]) => {
          return [name, { shape: dims, values: data as SessionTensor["values"] }]
        }),
      )
    },
    dispose: () => void session.release(),
  }
}
