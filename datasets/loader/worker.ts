import { move, transferableSymbol, valueSymbol } from "piscina"
import { work } from "./work.js"

// The entries of a worker thread, by the names in `work`: the pixels are handed over, not copied.

export const detection: typeof work.detection = async (job) => handOver(await work.detection(job))
export const classification: typeof work.classification = async (job) => handOver(await work.classification(job))
export const check: typeof work.check = work.check

function handOver<Result extends { readonly pixels: Float32Array }>(result: Result): Result {
  const moved = { [transferableSymbol]: [result.pixels.buffer as ArrayBuffer], [valueSymbol]: result }
  return move(moved) as unknown as Result
}
