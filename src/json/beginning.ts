import type { ByteChunks } from "./lists.js"

/** The first bytes of a document, and all of them. */
export async function beginningOf(
  chunks: ByteChunks,
): Promise<readonly [start: Uint8Array, whole: AsyncIterable<Uint8Array>]> {
  const source = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  const first = await source.next()
  // A copy: the chunk may be a buffer that is filled anew.
  const start = first.done ? new Uint8Array() : first.value.slice(0, 1024)
  async function* whole() {
    try {
      if (!first.done) yield first.value
      for (;;) {
        const { value, done } = await source.next()
        if (done) return
        yield value
      }
    } finally {
      await source.return?.()
    }
  }
  return [start, whole()]
}
