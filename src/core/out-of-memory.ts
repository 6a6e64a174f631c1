import { UserError } from "./errors.js"

/** How Node, TensorFlow, WebAssembly and the C++ below them say that there is no memory left, or that none could be enough. */
const sayings =
  /Array buffer allocation failed|Invalid typed array length: \d{10,}|out of memory|OOM when allocating|ResourceExhausted|memory access out of bounds|Cannot enlarge memory|bad_alloc/i

export const isOutOfMemory = (error: unknown): error is Error => error instanceof Error && sayings.test(error.message)

/** A task did not fit into memory. Exit code 1. */
export class OutOfMemoryError extends UserError {
  override readonly name = "OutOfMemoryError"
}

/** Frees memory; on a heap without room even that may fail, which must not hide why. */
export function freeIfPossible(free: () => void): void {
  try {
    free()
  } catch (error) {
    if (!isOutOfMemory(error)) throw error
  }
}
