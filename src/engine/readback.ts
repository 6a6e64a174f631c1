import * as tf from "@tensorflow/tfjs-core"
import { afterReading } from "./webgpu/device.js"

/**
 * Waits until `dataSync` can read tensors. A GPU behind WebGPU hands values over only to those who wait; the other engines
 * have them at once.
 * @throws UserError when the GPU has told of a fault
 */
export async function awaitReadback(tensors: Iterable<tf.Tensor>): Promise<void> {
  if (!needsReadback()) return
  await Promise.all(Array.from(tensors, (tensor) => tensor.data()))
  afterReading()
}

/** Whether the engine hands values over only to those who wait: under a gradient tape, which cannot, there are none. */
export const needsReadback = (): boolean => tf.getBackend() === "webgpu"

/** Makes tensors, waits until they can be read, hands them to `use`, and frees them. */
export async function withData<Tensors extends Readonly<Record<keyof Tensors, tf.Tensor>>, Result>(
  make: () => Tensors,
  use: (tensors: Tensors) => Result,
): Promise<Result> {
  const made = tf.tidy(() => ({ ...make() }) as tf.NamedTensorMap)
  try {
    await awaitReadback(Object.values(made))
    return use(made as Tensors)
  } finally {
    tf.dispose(made)
  }
}
