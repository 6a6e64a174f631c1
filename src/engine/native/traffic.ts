import * as tf from "@tensorflow/tfjs-core"

/** What passed between JavaScript and native TensorFlow: on a GPU each of it is time in which the GPU waits. */
export interface Traffic {
  /** Operations that were executed, by their names. */
  readonly operations: ReadonlyMap<string, number>
  /** Each operation with the types it ran on, as `MatMul T=float32`. */
  readonly typed: ReadonlySet<string>
  /** Bytes of each tensor that was read, in order. */
  readonly read: readonly number[]
  /** Bytes of each tensor that was sent, in order. */
  readonly sent: readonly number[]
  /** Operations, tensors sent and tensors read. */
  readonly calls: number
}

interface Binding {
  executeOp(name: string, attributes: readonly Attribute[], ...rest: unknown[]): unknown
  tensorDataSync(id: number): { readonly byteLength?: number }
  createTensor(shape: readonly number[], dtype: number, values: { readonly byteLength?: number }): number
}

interface Attribute {
  readonly name: string
  readonly type: number
  readonly value: unknown
}

/**
 * Counts what native TensorFlow is called for while `work` runs. Only calls of the tensors' backend are seen: what a recorded
 * function executes is one operation.
 * @throws Error when another engine runs
 */
export async function countTraffic<Result>(
  work: () => Result | Promise<Result>,
): Promise<{ readonly traffic: Traffic; readonly result: Result }> {
  if (tf.getBackend() !== "tensorflow") throw new Error(`expected native TensorFlow, got ${tf.getBackend()}`)
  const backend = tf.backend() as unknown as { binding: Binding & Readonly<Record<string, unknown>> }
  const real = backend.binding
  const typeNames = new Map(typesShown.map(([code, name]) => [real[code] as number, name]))
  const operations = new Map<string, number>()
  const [typed, read, sent] = [new Set<string>(), [] as number[], [] as number[]]
  const seen: Binding = {
    executeOp(name, attributes, ...rest) {
      operations.set(name, (operations.get(name) ?? 0) + 1)
      const types = attributes.filter(({ type }) => type === real.TF_ATTR_TYPE)
      typed.add([name, ...types.map(({ name, value }) => `${name}=${typeNames.get(value as number)}`)].join(" "))
      return real.executeOp(name, attributes, ...rest)
    },
    tensorDataSync(id) {
      const values = real.tensorDataSync(id)
      read.push(values.byteLength ?? 0)
      return values
    },
    createTensor(shape, dtype, values) {
      sent.push(values.byteLength ?? 0)
      return real.createTensor(shape, dtype, values)
    },
  }
  // Around nothing: the addon's own properties cannot be shown otherwise than they are.
  const nothing = {} as typeof real
  backend.binding = new Proxy(nothing, {
    get: (_, key) => (key in seen ? seen[key as keyof Binding] : real[key as string]),
  })
  try {
    const result = await work()
    const executed = [...operations.values()].reduce((sum, count) => sum + count, 0)
    return { traffic: { operations, typed, read, sent, calls: executed + read.length + sent.length }, result }
  } finally {
    backend.binding = real
  }
}

const typesShown = [
  ["TF_FLOAT", "float32"],
  ["TF_INT32", "int32"],
  ["TF_BOOL", "bool"],
] as const

export const sumOf = (bytes: readonly number[]): number => bytes.reduce((sum, own) => sum + own, 0)

/**
 * Does work as if native TensorFlow computed on a GPU: whatever is done otherwise there is done so. For tests and counts
 * on machines that have none.
 * @throws Error when another engine runs
 */
export async function asOnCuda<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  if (tf.getBackend() !== "tensorflow") throw new Error(`expected native TensorFlow, got ${tf.getBackend()}`)
  const backend = tf.backend() as unknown as { isUsingGpuDevice: boolean }
  const before = backend.isUsingGpuDevice
  backend.isUsingGpuDevice = true
  try {
    return await work()
  } finally {
    backend.isUsingGpuDevice = before
  }
}
