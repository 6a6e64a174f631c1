import * as tf from "@tensorflow/tfjs-core"

/** What the engine hands a kernel: its inputs by name (always tensors, when an operation runs it) and its attributes. */
export interface KernelCall {
  readonly inputs: tf.NamedTensorInfoMap
  readonly attrs?: tf.NamedAttrMap
  readonly backend: unknown
}

export type Kernel = (call: KernelCall) => tf.TensorInfo | tf.TensorInfo[]

/** Gives a backend a kernel that it lacks. */
export function addKernel(backendName: string, kernelName: string, kernel: Kernel): void {
  tf.registerKernel({ kernelName, backendName, kernelFunc: kernel as tf.KernelFunc })
}

/** Puts a kernel in the place of a backend's own, which it may call. */
export function replaceKernel(backendName: string, kernelName: string, wrap: (original: Kernel) => Kernel): void {
  const config = tf.getKernel(kernelName, backendName)
  tf.unregisterKernel(kernelName, backendName)
  tf.registerKernel({ ...config, kernelFunc: wrap(config.kernelFunc as Kernel) as tf.KernelFunc })
}
