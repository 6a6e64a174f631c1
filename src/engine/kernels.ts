import * as tf from "@tensorflow/tfjs-core"
import { type EngineName, engineNames } from "./names.js"

/** One thing an engine: what differs between them stands side by side in such a table. */
export type ByEngine<T> = Readonly<Record<EngineName, T>>

/** The entry of the engine that runs the tensors now. */
export function current<T>(table: ByEngine<T>): T {
  return table[tf.getBackend() as EngineName]
}

type OpKernel = (inputs: tf.NamedTensorMap, attributes: object) => tf.Tensor | tf.Tensor[]

/** Makes an operation of ours known to all engines, under a name of its own; its gradient is registered beside it. */
export function registerOp(kernelName: string, kernel: OpKernel): void {
  const kernelFunc: tf.KernelFunc = ({ inputs, attrs = {} }) => kernel(inputs as tf.NamedTensorMap, attrs)
  for (const backendName of engineNames) tf.registerKernel({ kernelName, backendName, kernelFunc })
}

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

/**
 * Keeps what the gradients of one tape node share until the next node's turn, then frees it. A tape runs its nodes one
 * after the other, and tfjs itself would free nothing before the whole step is done.
 */
export function holdScratch(...tensors: readonly tf.Tensor[]): void {
  for (const tensor of held) tensor.dispose()
  held = tensors
}

let held: readonly tf.Tensor[] = []
