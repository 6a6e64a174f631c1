import * as tf from "@tensorflow/tfjs-core"
import type { Precision } from "../names.js"
import { hasOneDnn, isOnCuda } from "./op.js"

/** What the addon that setup builds has beside tfjs-node's own; see `recorder.h`. */
interface RecorderBinding {
  beginRecording(readable: readonly number[], rounds: boolean, shapes: boolean): void
  pauseRecording(results: readonly number[]): void
  resumeRecording(readable: readonly number[]): void
  cancelRecording(): void
  endRecording(names: readonly string[], results: readonly number[], optimizer: Uint8Array): FunctionPart[]
  removeRecording(name: string): void
}

/** Numbers of what it takes (below 0: -1 - the number of a kept value), numbers of what it keeps, and its nodes. */
type FunctionPart = readonly [taken: readonly number[], kept: readonly number[], nodes: number]

interface RecordingBackend {
  readonly binding: Partial<RecorderBinding>
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[]
  executeMultipleOutputs(name: string, attributes: [], inputs: tf.Tensor[], outputs: number): tf.Tensor[]
}

const native = () => tf.backend() as unknown as RecordingBackend

/** Whether the user wants every operation to be run by itself. */
export const isRecordingOff = (): boolean => process.env.RESDET_RECORD === "off"

/**
 * Whether what is executed now can be recorded: on the addon that setup builds, on a GPU or a processor with oneDNN, outside
 * another recording, and outside a gradient tape, which would not see the operations within.
 */
export function canRecord(): boolean {
  // Asked first: where it is not known yet it reads a value, which within a recording nobody can.
  return (
    (hasOneDnn() || isOnCuda()) &&
    native().binding.beginRecording !== undefined &&
    recording === undefined &&
    !isTapeOn()
  )
}

/** What the function will be computed in that is being recorded, if any is. */
let recording: Precision | undefined

/** Whether what is executed now becomes part of a function in bfloat16. */
export const isRecordingBf16 = (): boolean => recording === "bf16"

const isTapeOn = (): boolean => tf.engine().state.gradientDepth > 0

/** Takes what work has made so far, whose values may be read, and gives tensors for what is left of it. */
export type Pause = (results: readonly tf.Tensor[]) => readonly tf.Tensor[]

/** Recorded work, which TensorFlow runs in one call; in one more for each pause. */
export interface NativeFunction {
  /** How large it is. */
  readonly nodes: number
  /**
   * @param inputs of the shapes of those it was recorded with
   * @param between as when it was recorded; it gives tensors of the same shapes
   */
  run(inputs: readonly tf.Tensor[], between: Pause): tf.Tensor[]
  /** Within a pause of its own it goes on to its end first. */
  remove(): void
}

/**
 * What a function's products are computed in on a processor: a ConfigProto for its optimizer. Its switch for GPUs is float16,
 * which has too little range for gradients: there the recorder puts casts around products.
 */
const optimizers = {
  float32: Uint8Array.of(),
  // graph_options (10) { rewrite_options (10) { auto_mixed_precision_onednn_bfloat16 (31): ON (1) } }
  bf16: Uint8Array.of(0x52, 5, 0x52, 3, 0xf8, 1, 1),
} as const satisfies Record<Precision, Uint8Array>

/**
 * Runs work on tensors and records what is executed, operation by operation. It may read its inputs and variables, which
 * become arguments of the function, and small tensors that it makes itself, which must follow from shapes alone. Variables that
 * it assigns are assigned by the function too. What happens in a pause is not recorded.
 * @param between what pauses are for
 * @returns what the work gives; in bf16 float32's results, of which variables keep nothing
 * @throws Error when it reads a value, or any other tensor made before, or makes a tensor of many values
 */
export function recordFunction(
  work: (pause: Pause) => readonly tf.Tensor[],
  inputs: readonly tf.Tensor[],
  precision: Precision,
  between: Pause,
): { readonly outputs: readonly tf.Tensor[]; readonly made: NativeFunction } {
  const backend = native()
  const binding = backend.binding as RecorderBinding
  const variables = Object.values(tf.engine().registeredVariables)
  const before = precision === "float32" ? [] : variables.map((variable) => tf.clone(variable))
  const parts: RecordedPart[] = []
  let watch = watched(variables)
  const endPart = (results: readonly tf.Tensor[]): number[] => {
    const assigned = watch()
    parts.push({ results: results.length, assigned })
    return backend.getInputTensorIds([...results, ...assigned])
  }
  const pause: Pause = (results) => {
    binding.pauseRecording(endPart(results))
    recording = undefined
    const given = between(results)
    binding.resumeRecording(backend.getInputTensorIds(given))
    watch = watched(variables)
    recording = precision
    return given
  }
  // Also uploads what has been nowhere but in JavaScript: within the recording it would become a constant.
  const readable = backend.getInputTensorIds([...inputs, ...variables])
  const [onCuda, rounds] = [isOnCuda(), precision === "bf16"]
  // With shapes the optimizer does more than fuse, which may round otherwise: float32 goes without, as its bits must stay.
  binding.beginRecording(readable, rounds && onCuda, rounds && !onCuda)
  let isDone = false
  recording = precision
  try {
    const outputs = work(pause)
    const last = endPart(outputs)
    const names = parts.map(() => `resdet_${count++}`)
    isDone = true
    const functions = binding.endRecording(names, last, onCuda ? optimizers.float32 : optimizers[precision])
    for (const [i, value] of before.entries()) if (value.dataId !== variables[i]!.dataId) variables[i]!.assign(value)
    const made = functions.map((part, i) => ({ ...parts[i]!, name: names[i]!, part }))
    return { outputs, made: nativeFunction(made, variables) }
  } finally {
    recording = undefined
    if (!isDone) binding.cancelRecording()
    tf.dispose(before)
  }
}

let count = 0

interface RecordedPart {
  /** How many results it has. */
  readonly results: number
  /** Variables whose new values come behind them. */
  readonly assigned: readonly tf.Variable[]
}

/** Tells which variables have been assigned since. */
function watched(variables: readonly tf.Variable[]): () => tf.Variable[] {
  const before = variables.map(({ dataId }) => dataId)
  return () => variables.filter(({ dataId }, i) => dataId !== before[i])
}

function nativeFunction(
  parts: readonly (RecordedPart & { readonly name: string; readonly part: FunctionPart })[],
  variables: readonly tf.Variable[],
): NativeFunction {
  const backend = native()
  const binding = backend.binding as RecorderBinding
  let running = 0
  let isRemoved = false

  function run(inputs: readonly tf.Tensor[], between: Pause): tf.Tensor[] {
    const given: tf.Tensor[] = [...inputs, ...variables]
    const kept: tf.Tensor[] = []
    let results: tf.Tensor[] = []
    for (const [i, { name, part, results: count, assigned }] of parts.entries()) {
      if (i > 0) given.push(...between(results))
      const [taken, numbers] = part
      const args = taken.map((number) => (number >= 0 ? given[number] : kept[-1 - number])!)
      const outputs = backend.executeMultipleOutputs(name, [], args, count + assigned.length + numbers.length)
      results = outputs.slice(0, count)
      for (const [k, variable] of assigned.entries()) {
        variable.assign(outputs[count + k]!)
        outputs[count + k]!.dispose()
      }
      for (const [k, number] of numbers.entries()) kept[number] = outputs[count + assigned.length + k]!
    }
    tf.dispose(kept)
    return results
  }

  function forget(): void {
    for (const { name } of parts) binding.removeRecording(name)
  }

  return {
    nodes: parts.reduce((sum, { part: [, , nodes] }) => sum + nodes, 0),
    run(inputs, between) {
      running++
      try {
        return run(inputs, between)
      } finally {
        if (--running === 0 && isRemoved) forget()
      }
    },
    remove() {
      isRemoved = true
      if (running === 0) forget()
    },
  }
}
