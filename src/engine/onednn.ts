import * as tf from "@tensorflow/tfjs-core"
import { float32, isNative, nativeOps, type OpAttributes } from "./native-op.js"

/** Kernels that TensorFlow's CPU build has for its own graph optimizer; they fuse or skip work that the public ops do. */
export type OneDnnOp = "MaxPool" | "MaxPoolGrad" | "FusedBatchNormEx"

/** Runs one of oneDNN's kernels by its own name; see `hasOneDnn`. It leaves nothing on the gradient tape. */
export function oneDnnOps(name: OneDnnOp, inputs: tf.Tensor[], attributes: OpAttributes, outputs: number): tf.Tensor[] {
  // The label under which TensorFlow registers these kernels, and without which it does not find them.
  return nativeOps(`_MklNative${name}`, inputs, { ...attributes, _kernel: "MklNameChangeOp" }, outputs)
}

/** Whether `oneDnnOps` works here: on native TensorFlow without a GPU, where it was built with oneDNN (x86). */
export function hasOneDnn(): boolean {
  if (!isNative()) return false
  const backend = tf.backend() as { readonly isUsingGpuDevice?: boolean }
  if (!known.has(backend)) known.set(backend, backend.isUsingGpuDevice !== true && answers())
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
