import { move, transferableSymbol, valueSymbol } from "piscina"
import type { CropJob, CropResult } from "./crop-job.js"
import type { BatchJob, BatchResult } from "./job.js"
import { work } from "./work.js"

// The entries of a worker thread, by the names in `work`: the pixels are handed over, not copied.

export const batch = async (job: BatchJob): Promise<BatchResult> => handOver(await work.batch(job))
export const crops = async (job: CropJob): Promise<CropResult> => handOver(await work.crops(job))

function handOver<Result extends { readonly pixels: Float32Array }>(result: Result): Result {
  const moved = { [transferableSymbol]: [result.pixels.buffer as ArrayBuffer], [valueSymbol]: result }
  return move(moved) as unknown as Result
}
