import { open } from "node:fs/promises"
import { DataError } from "../tensor/errors.js"

/** How much of a file is read at a time. */
const CHUNK_BYTES = 1 << 20

/**
 * The bytes of a file, a megabyte at a time in one reused buffer: take what you need before asking for the next.
 * Node only.
 * @throws DataError when the file cannot be opened
 */
export async function* readBytes(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`${path}: expected a readable file, got ${error.code ?? error.message}`)
  })
  try {
    const buffer = new Uint8Array(CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
