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

/** What is used of ONNX Runtime: its packages for Node and for browsers have it alike. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: RuntimeOptions): Promise<RuntimeSession>
  }
  readonly Tensor: {
    new (type: "float32", values: Float32Array, shape: readonly number[]): object
    new (type: "int64", values: BigInt64Array, shape: readonly number[]): object
  }
}

interface RuntimeSession {
  run(feeds: Record<string, never>): Promise<Readonly<Record<string, RuntimeOutput>>>
  release(): Promise<void>
}

interface RuntimeOutput {
  readonly dims: readonly number[]
  readonly data: unknown
}

/** ONNX Runtime's own options, as far as they are set here. */
export interface RuntimeOptions {
  /** As many as there are cores where it is left out. */
  readonly intraOpNumThreads?: number
  /** Entries of ONNX Runtime's session configuration; a name's parts, between its dots, are the keys. */
  readonly extra?: Record<string, unknown>
  readonly executionProviders?: readonly string[]
  /** 3: errors alone are printed. */
  readonly logSeverityLevel?: 3
}

/**
 * Loads a model.
 * @param bytes of its file
 * @throws Error (ONNX Runtime's own) when it does not take the model
 */
export async function createSession(
  { InferenceSession, Tensor }: OnnxRuntime,
  bytes: Uint8Array,
  options: RuntimeOptions = {},
): Promise<Session> {
  const session = await InferenceSession.create(bytes, options)
  const toTensor = ({ shape, values }: SessionTensor) =>
    values instanceof BigInt64Array ? new Tensor("int64", values, shape) : new Tensor("float32", values, shape)
  return {
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)] as const)
      const outputs = await session.run(Object.fromEntries(feeds) as Record<string, never>)
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { dims, data }]) => {
          return [name, { shape: dims, values: data as SessionTensor["values"] }]
        }),
      )
    },
    dispose: () => void session.release(),
  }
}
