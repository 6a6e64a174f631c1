import { totalmem } from "node:os"
import * as tf from "@tensorflow/tfjs-core"
import { MostUsed } from "./most-used.js"
import type { Precision } from "./names.js"
import { canRecord, isRecordingOff, type NativeFunction, type Pause, recordFunction } from "./native/recorder.js"

type Work<Inputs extends readonly tf.Tensor[]> = (...inputs: Inputs) => readonly tf.Tensor[]

/** Work that pauses: it hands `pause` what it has made, and goes on with what it gets for that. */
type PausingWork<Inputs extends readonly tf.Tensor[]> = (pause: Pause, ...inputs: Inputs) => readonly tf.Tensor[]

/**
 * Work on tensors that native TensorFlow runs as one function: what it executes is recorded once for each shape of its
 * inputs. In float32 that happens the second time a shape comes, or later where shapes that come more often leave no room:
 * those that come once cost nothing, and results are the same, bit for bit. In bf16 it happens the first time, so that no
 * result depends on what came before.
 *
 * Where nothing can be recorded (other engines, a gradient tape, RESDET_RECORD=off) the work runs as it is.
 * @param work reads its inputs and variables alone; everything else in it must follow from shapes. It may assign variables
 */
export function recorded<Inputs extends readonly tf.Tensor[]>(
  work: Work<Inputs>,
  precision: Precision = "float32",
): Work<Inputs> {
  if (isRecordingOff()) return work
  const inParts = recordedInParts<Inputs>((_, ...inputs) => work(...inputs), precision)
  return (...inputs) => inParts(noPause, ...inputs)
}

const noPause: Pause = () => {
  throw new Error("recorded: expected work without a pause")
}

/**
 * As `recorded`, for work that pauses: for one pause two functions. What `pause` is given may be read there; what
 * happens there is not recorded, and may be recorded work of its own. In bf16 it happens twice the first time.
 * @returns work that takes what its pauses are for; that gives tensors whose shapes follow from those of the inputs
 */
export function recordedInParts<Inputs extends readonly tf.Tensor[]>(
  work: PausingWork<Inputs>,
  precision: Precision = "float32",
): PausingWork<Inputs> {
  if (isRecordingOff()) return work
  const owner = owners++
  let size = 0
  return (between, ...inputs) => {
    if (!canRecord()) return work(between, ...inputs)
    const key = `${owner}: ${formOf(inputs)}`
    const known = functions.use(key)
    if (known !== undefined) return known.run(inputs, between)
    if (precision === "float32" && !functions.pays(key, size)) return work(between, ...inputs)
    return tf.tidy(() => {
      const { outputs, made } = recordFunction((pause) => work(pause, ...inputs), inputs, precision, between)
      size = made.nodes
      const results = precision === "float32" ? [...outputs] : made.run(inputs, between)
      functions.keep(key, made)
      return results
    })
  }
}

/** Whether work is recorded here at all. */
export const mayRecord = (): boolean => !isRecordingOff() && canRecord()

let owners = 0

/** What inputs have in common with others that one recording serves: shapes, types, and which of them are the same tensor. */
function formOf(inputs: readonly tf.Tensor[]): string {
  const parts = inputs.map(({ shape, dtype, dataId }) => {
    const first = inputs.findIndex((other) => other.dataId === dataId)
    return `${first} ${dtype} ${shape.join("x")}`
  })
  return parts.join()
}

/** Functions of all work together. A node takes 11 to 12 kB: a twenty-fifth of the memory, of 8 GB what 32,000 take. */
const functions = new MostUsed<NativeFunction>(Math.max(32_000, Math.floor(memory() / 25 / 11_500)))

/** Bytes that this process may take. */
function memory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}
