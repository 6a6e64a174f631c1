import { move, transferableSymbol, valueSymbol } from "piscina"
import { type BatchJob, type BatchResult, runJob } from "./job.js"

/** The entry of a worker thread: the pixels are handed over, not copied. */
export default async function work(job: BatchJob): Promise<BatchResult> {
  const result = await runJob(job)
  const moved = { [transferableSymbol]: [result.pixels.buffer as ArrayBuffer], [valueSymbol]: result }
  return move(moved) as unknown as BatchResult
}
