import { availableParallelism } from "node:os"
import { Piscina } from "piscina"
import { workerFile } from "../../src/core/worker-file.js"
import { work } from "./work.js"

type JobOf<Name extends keyof typeof work> = Parameters<(typeof work)[Name]>[0]
type ResultOf<Name extends keyof typeof work> = Awaited<ReturnType<(typeof work)[Name]>>

/** How many worker threads to use: one core is left to the model, and decoding never needs more than four. */
export function defaultWorkers(): number {
  return Math.max(1, Math.min(4, availableParallelism() - 1))
}

/** Runs one of the worker's functions in threads, or with no workers in the thread that asks. */
export class WorkerPool<Name extends keyof typeof work> {
  readonly workers: number
  readonly #name: Name
  #threads: Piscina<JobOf<Name>, ResultOf<Name>> | undefined
  readonly #running = new Set<Promise<ResultOf<Name>>>()

  constructor(name: Name, workers: number) {
    this.#name = name
    this.workers = workers
  }

  run(job: JobOf<Name>): Promise<ResultOf<Name>> {
    // The compiler does not see that a name's function takes that name's job.
    if (this.workers === 0) return (work[this.#name] as (job: JobOf<Name>) => Promise<ResultOf<Name>>)(job)
    this.#threads ??= new Piscina({
      filename: workerFile(import.meta.url, "worker.js"),
      minThreads: this.workers,
      maxThreads: this.workers,
      // The parent may run under a loader that a worker cannot use.
      execArgv: [],
    })
    const result = this.#threads.run(job, { name: this.#name })
    this.#running.add(result)
    const forget = () => void this.#running.delete(result)
    result.then(forget, forget)
    return result
  }

  async close(): Promise<void> {
    const threads = this.#threads
    this.#threads = undefined
    // An answer that comes while the threads are being ended would be an error inside the pool.
    await Promise.allSettled(this.#running)
    await threads?.destroy()
  }
}
