import { closeSync, openSync, readSync } from "node:fs"
import { DataError } from "../core/errors.js"

/** How much of a file is read at a time. */
const CHUNK_BYTES = 1 << 20

/**
 * The bytes of a file, a megabyte at a time in one reused buffer: take what you need before asking for the next.
 * Node only.
 * @throws DataError when the file cannot be opened or read
 */
export function* readBytes(path: string): Generator<Uint8Array> {
  const file = orRefuse(path, () => openSync(path, "r"))
  try {
    const buffer = new Uint8Array(CHUNK_BYTES)
    for (;;) {
      const count = orRefuse(path, () => readSync(file, buffer))
      if (count === 0) return
      yield buffer.subarray(0, count)
    }
  } finally {
    closeSync(file)
  }
}

function orRefuse(path: string, attempt: () => number): number {
  try {
    return attempt()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new DataError(`${path}: expected a readable file, got ${code ?? message}`)
  }
}
