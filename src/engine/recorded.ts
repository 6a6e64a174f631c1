import * as tf from "@tensorflow/tfjs-core"
import type { Precision } from "./names.js"
import { canRecord, isRecordingOff, type NativeFunction, recordFunction } from "./native/recorder.js"

type Work<Inputs extends readonly tf.Tensor[]> = (...inputs: Inputs) => readonly tf.Tensor[]

/**
 * Work on tensors that native TensorFlow runs as one function: what it executes is recorded once for each shape of its
 * inputs. In float32 that happens the second time a shape comes, so that shapes that come once cost nothing, and results
 * are the same, bit for bit. In bf16 it happens the first time, so that no result depends on what came before.
 *
 * Where nothing can be recorded (other engines, a GPU, a gradient tape, RESDET_RECORD=off) the work runs as it is.
 * @param work reads its inputs and variables alone; everything else in it must follow from shapes
 */
export function recorded<Inputs extends readonly tf.Tensor[]>(
  work: Work<Inputs>,
  precision: Precision = "float32",
): Work<Inputs> {
  if (isRecordingOff()) return work
  const seen = new Set<string>()
  const owner = owners++
  return (...inputs) => {
    if (!canRecord()) return work(...inputs)
    const form = formOf(inputs)
    const key = `${owner}: ${form}`
    const known = functions.get(key)
    if (known !== undefined) return known.run(inputs)
    if (precision === "float32" && !seen.has(form)) {
      seen.add(form)
      return work(...inputs)
    }
    return tf.tidy(() => {
      const { outputs, made } = recordFunction(() => work(...inputs), inputs, precision)
      functions.set(key, made)
      return precision === "float32" ? [...outputs] : made.run(inputs)
    })
  }
}

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

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): NativeFunction | undefined {
    const found = this.#functions.get(key)
    if (found !== undefined) this.#moveToEnd(key, found)
    return found
  }

  set(key: string, made: NativeFunction): void {
    this.#moveToEnd(key, made)
    for (const [oldest, { remove }] of this.#functions) {
      if (this.#functions.size <= this.#most) return
      this.#functions.delete(oldest)
      remove()
    }
  }

  #moveToEnd(key: string, made: NativeFunction): void {
    this.#functions.delete(key)
    this.#functions.set(key, made)
  }
}

const functions = new LastUsed(96)
