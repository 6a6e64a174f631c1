import type { ByteChunks } from "./lists.js"

/** The first characters of a document, and all of its bytes. */
export async function beginningOf(
  chunks: ByteChunks,
): Promise<readonly [start: string, whole: AsyncIterable<Uint8Array>]> {
  const source = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  const first = await source.next()
  const start = first.done ? "" : new TextDecoder().decode(first.value.subarray(0, 1024))
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
