import { availableParallelism } from "node:os"
import { copyBytes } from "../core/copy-bytes.js"
import { UsageError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import type { WeightsSource } from "../weights/open-file.js"

/** How many workers there are where nobody says: none for WebGPU, which computes beside the thread that asks. */
export const usualWorkers = (engine: string): number => (engine === "webgpu" ? 0 : 1)

/** Threads that compute in each of several workers, so that together they use each core once; undefined where one has them all. */
export const threadsEach = (workers: number): number | undefined =>
  workers === 1 ? undefined : Math.max(1, Math.floor(availableParallelism() / workers))

/** The path of a weights file, or its bytes. */
export type GivenWeights = string | Uint8Array | ArrayBuffer

/** @throws UsageError for what is neither, or no weights at all */
export function sourcesOf(name: string, weights: GivenWeights | readonly GivenWeights[]): WeightsSource[] {
  const list: readonly GivenWeights[] = Array.isArray(weights) ? weights : [weights]
  if (list.length === 0) throw new UsageError(`${name}: expected weights, got an empty list`)
  return list.map((one) => {
    if (one instanceof ArrayBuffer) return new Uint8Array(one)
    if (typeof one === "string" || one instanceof Uint8Array) return one
    throw new UsageError(`${name}: expected the path of a weights file or its bytes, got ${shown(String(one))}`)
  })
}

/** The same weights where each thread can read them without a copy of its own. */
export async function shared(source: WeightsSource): Promise<WeightsSource> {
  if (typeof source === "string" || source.buffer instanceof SharedArrayBuffer) return source
  return copyBytes(source, new Uint8Array(new SharedArrayBuffer(source.length)))
}
