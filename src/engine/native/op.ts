import * as tf from "@tensorflow/tfjs-core"

/** Values of a TensorFlow op's attributes; a plain number is an integer, `{ float }` a float, `{ type }` a type. */
export type OpAttributes = Readonly<
  Record<string, boolean | number | string | readonly number[] | { float: number } | { type: "float32" | "int32" }>
>

export const float32 = { type: "float32" } as const

interface NativeBackend {
  readonly isUsingGpuDevice?: boolean
  readonly binding: Readonly<Record<string, number>>
  executeMultipleOutputs(
    name: string,
    attributes: { name: string; type: number; value: unknown }[],
    inputs: tf.Tensor[],
    outputs: number,
  ): tf.Tensor[]
}

/** Whether native TensorFlow runs the tensors. */
const isNative = (): boolean => tf.getBackend() === "tensorflow"

/** Whether native TensorFlow computes on a GPU. */
export const isOnCuda = (): boolean => isNative() && native().isUsingGpuDevice === true

/** Runs any TensorFlow op by its name, for those that tfjs does not wrap; it leaves nothing on the gradient tape. */
export function nativeOp(name: string, inputs: tf.Tensor[], attributes: OpAttributes): tf.Tensor {
  return nativeOps(name, inputs, attributes, 1)[0]!
}

/** As `nativeOp`, for an op of several `outputs`. */
export function nativeOps(name: string, inputs: tf.Tensor[], attributes: OpAttributes, outputs: number): tf.Tensor[] {
  const backend = native()
  const list = Object.entries(attributes).map(([key, value]) => ({ name: key, ...encode(value, backend.binding) }))
  return backend.executeMultipleOutputs(name, list, inputs, outputs)
}

const native = (): NativeBackend => tf.backend() as unknown as NativeBackend

function encode(value: OpAttributes[string], codes: NativeBackend["binding"]): { type: number; value: unknown } {
  if (typeof value === "boolean") return { type: codes.TF_ATTR_BOOL!, value }
  if (typeof value === "string") return { type: codes.TF_ATTR_STRING!, value }
  if (typeof value === "number" || Array.isArray(value)) return { type: codes.TF_ATTR_INT!, value }
  if ("float" in value) return { type: codes.TF_ATTR_FLOAT!, value: value.float }
  return {
    type: codes.TF_ATTR_TYPE!,
    value: (value as { type: string }).type === "int32" ? codes.TF_INT32! : codes.TF_FLOAT!,
  }
}

/** Kernels that TensorFlow's CPU build has for its own graph optimizer; they fuse or skip work that the public ops do. */
export type OneDnnOp = "MaxPool" | "MaxPoolGrad" | "FusedBatchNormEx"

/** Runs one of oneDNN's kernels by its own name; see `hasOneDnn`. It leaves nothing on the gradient tape. */
export function oneDnnOps(name: OneDnnOp, inputs: tf.Tensor[], attributes: OpAttributes, outputs: number): tf.Tensor[] {
  // The label under which TensorFlow registers these kernels, and without which it does not find them.
  return nativeOps(`_MklNative${name}`, inputs, { ...attributes, _kernel: "MklNameChangeOp" }, outputs)
}

/** Whether `oneDnnOps` works here: on native TensorFlow without a GPU, where it was built with oneDNN (x86). */
export function hasOneDnn(): boolean {
  if (!isNative() || isOnCuda()) return false
  const backend = tf.backend()
  if (!known.has(backend)) known.set(backend, answers())
  return known.get(backend)!
}

const known = new WeakMap<object, boolean>()

function answers(): boolean {
  try {
    return tf.tidy(() => {
      const window = { ksize: [1, 1, 1, 1], strides: [1, 1, 1, 1], padding: "VALID", data_format: "NHWC" } as const
      const [same] = oneDnnOps("MaxPool", [tf.ones([1, 1, 1, 8])], { T: float32, ...window }, 2)
      return same!.dataSync().every((value) => value === 1)
    })
  } catch {
    return false
  }
}
