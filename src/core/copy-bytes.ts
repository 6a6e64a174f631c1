import { setImmediate } from "node:timers/promises"

/** So many bytes are copied at once, which takes a few milliseconds. */
const piece = 8 << 20

type Bytes = Uint8Array | Uint8ClampedArray

/**
 * Copies bytes in pieces, between which the event loop goes on. They must not change meanwhile.
 * @param to at least as long
 */
export async function copyBytes<To extends Bytes>(from: Bytes, to: To): Promise<To> {
  for (let start = 0; start < from.length; start += piece) {
    if (start > 0) await setImmediate()
    to.set(from.subarray(start, start + piece), start)
  }
  return to
}
