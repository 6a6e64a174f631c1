import * as tf from "@tensorflow/tfjs-core"
import { hasOneDnn } from "./op.js"

/** What the addon that setup builds has beside tfjs-node's own; see `recorder.h`. */
interface RecorderBinding {
  beginRecording(readable: readonly number[]): void
  cancelRecording(): void
  endRecording(name: string, results: readonly number[], optimizer: Uint8Array): number[]
  removeRecording(name: string): void
}

interface RecordingBackend {
  readonly binding: Partial<RecorderBinding>
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[]
  executeMultipleOutputs(name: string, attributes: [], inputs: tf.Tensor[], outputs: number): tf.Tensor[]
}

const native = () => tf.backend() as unknown as RecordingBackend

/** Whether the user wants every operation to be run by itself. */
export const isRecordingOff = (): boolean => process.env.RESDET_RECORD === "off"

/**
 * Whether what is executed now can be recorded: on the addon that setup builds, on a processor (nothing was tried on a GPU),
 * outside another recording, and outside a gradient tape, which would not see the operations within.
 */
export function canRecord(): boolean {
  // Asked first: where it is not known yet it reads a value, which within a recording nobody can.
  return hasOneDnn() && native().binding.beginRecording !== undefined && !isRecording && !isTapeOn()
}

let isRecording = false

const isTapeOn = (): boolean => tf.engine().state.gradientDepth > 0

/** Recorded work, which TensorFlow runs in one call. */
export interface NativeFunction {
  /** @param inputs of the shapes of those it was recorded with */
  run(inputs: readonly tf.Tensor[]): tf.Tensor[]
  remove(): void
}

/** What a function's products are computed in: a ConfigProto for its optimizer. */
const optimizers = {
  float32: Uint8Array.of(),
  // graph_options (10) { rewrite_options (10) { auto_mixed_precision_onednn_bfloat16 (31): ON (1) } }
  bf16: Uint8Array.of(0x52, 5, 0x52, 3, 0xf8, 1, 1),
} as const

/**
 * Runs work on tensors and records what is executed, operation by operation. It may read its inputs and variables, which
 * become arguments of the function, and small tensors that it makes itself, which must follow from shapes alone.
 * @throws Error when it reads a value, or any other tensor made before, or makes a tensor of many values
 */
export function recordFunction(
  work: () => readonly tf.Tensor[],
  inputs: readonly tf.Tensor[],
  precision: keyof typeof optimizers,
): { readonly outputs: readonly tf.Tensor[]; readonly made: NativeFunction } {
  const backend = native()
  const binding = backend.binding as RecorderBinding
  const readable = [...inputs, ...Object.values(tf.engine().registeredVariables)]
  const name = `resdet_${count++}`
  // Also uploads what has been nowhere but in JavaScript: within the recording it would become a constant.
  binding.beginRecording(backend.getInputTensorIds(readable))
  isRecording = true
  try {
    const outputs = work()
    const used = binding.endRecording(name, backend.getInputTensorIds(outputs), optimizers[precision])
    const run = (own: readonly tf.Tensor[]) => {
      const args = used.map((at) => (at < inputs.length ? own : readable)[at]!)
      return backend.executeMultipleOutputs(name, [], args, outputs.length)
    }
    return { outputs, made: { run, remove: () => binding.removeRecording(name) } }
  } finally {
    isRecording = false
    binding.cancelRecording()
  }
}

let count = 0
