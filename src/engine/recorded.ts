import * as tf from "@tensorflow/tfjs-core"
import type { Precision } from "./names.js"
import { canRecord, isRecordingOff, type NativeFunction, type Pause, recordFunction } from "./native/recorder.js"

type Work<Inputs extends readonly tf.Tensor[]> = (...inputs: Inputs) => readonly tf.Tensor[]

/** Work that pauses: it hands `pause` what it has made, and goes on with what it gets for that. */
type PausingWork<Inputs extends readonly tf.Tensor[]> = (pause: Pause, ...inputs: Inputs) => readonly tf.Tensor[]

/**
 * Work on tensors that native TensorFlow runs as one function: what it executes is recorded once for each shape of its
 * inputs. In float32 that happens the second time a shape comes, so that shapes that come once cost nothing, and results
 * are the same, bit for bit. In bf16 it happens the first time, so that no result depends on what came before.
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
  const seen = new Set<string>()
  const owner = owners++
  return (between, ...inputs) => {
    if (!canRecord()) return work(between, ...inputs)
    const form = formOf(inputs)
    const key = `${owner}: ${form}`
    const known = functions.get(key)
    if (known !== undefined) return known.run(inputs, between)
    if (precision === "float32" && !seen.has(form)) {
      seen.add(form)
      return work(between, ...inputs)
    }
    return tf.tidy(() => {
      const { outputs, made } = recordFunction((pause) => work(pause, ...inputs), inputs, precision, between)
      functions.set(key, made)
      // One that has to make room is as new as it was when it comes again.
      seen.delete(form)
      return precision === "float32" ? [...outputs] : made.run(inputs, between)
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

/** Those that were used last, of all work together: a folder of photos of ever new sizes must not fill the memory. */
class LastUsed {
  readonly #functions = new Map<string, NativeFunction>()
  readonly #most: number
  #nodes = 0

  /** @param most nodes that all of them have; the last one stays, however large */
  constructor(most: number) {
    this.#most = most
  }

  get(key: string): NativeFunction | undefined {
    const found = this.#functions.get(key)
    if (found !== undefined) {
      this.#functions.delete(key)
      this.#functions.set(key, found)
    }
    return found
  }

  set(key: string, made: NativeFunction): void {
    this.#functions.set(key, made)
    this.#nodes += made.nodes
    for (const [oldest, { nodes, remove }] of this.#functions) {
      if (this.#nodes <= this.#most || oldest === key) return
      this.#functions.delete(oldest)
      this.#nodes -= nodes
      remove()
    }
  }
}

const functions = new LastUsed(32_000)
