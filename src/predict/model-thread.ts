import { type Transferable, Worker } from "node:worker_threads"
// Its telemetry is switched off in the environment of the process, which a thread cannot change.
import "../engine/onnx-runtime.js"
import { UserError } from "../core/errors.js"
import { receiveError, type SentError } from "../core/sent-error.js"
import { prepareThreads } from "../engine/native/load.js"
import { forgetGate, openGate } from "./exit-gate.js"

/** What a thread is started with. */
export interface ThreadData<Data> {
  readonly gate: Int32Array
  readonly data: Data
}

/** A job for a thread; undefined asks it to end. */
export type ThreadJob<Job> = { readonly id: number; readonly job: Job } | undefined

/** The first answer, of id 0, is what the thread tells once it is ready. */
export type ThreadAnswer =
  | { readonly id: number; readonly value: unknown; readonly error?: never }
  | { readonly id: number; readonly error: SentError }

/**
 * A worker thread that holds a network. It is never terminated, since native code may be computing in it: it ends by itself after
 * the job at hand. While it has nothing to do it does not keep the process alive.
 */
export class ModelThread<Job, Value> {
  readonly #worker: Worker
  readonly #gate = openGate()
  readonly #unanswered = new Map<number, { resolve(value: never): void; reject(reason: unknown): void }>()
  /** What the thread tells once its network is loaded. @throws what loading threw */
  readonly opened: Promise<unknown>
  #count = 0
  #isOver = false

  constructor(file: string, data: unknown) {
    prepareThreads()
    const workerData: ThreadData<unknown> = { gate: this.#gate, data }
    // The parent may run under a loader that a worker cannot use.
    this.#worker = new Worker(file, { workerData, execArgv: [] })
    this.opened = this.#answer()
    this.#worker.on("message", (answer: ThreadAnswer) => this.#take(answer))
    this.#worker.on("error", (error) => this.#end(memoryFault(error)))
    this.#worker.on("exit", (code) => this.#end(new Error(`a thread that detects ended with code ${code}`)))
  }

  /** How many jobs it has not answered. */
  get busy(): number {
    return this.#unanswered.size
  }

  /** Whether it has ended, or has been asked to. */
  get isOver(): boolean {
    return this.#isOver
  }

  run(job: Job, transfer: readonly Transferable[]): Promise<Value> {
    const message: ThreadJob<Job> = { id: this.#count, job }
    this.#worker.postMessage(message, transfer)
    return this.#answer()
  }

  /** Asks it to free the network and to end. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#worker.postMessage(undefined)
  }

  #answer(): Promise<Value> {
    const id = this.#count++
    this.#worker.ref()
    return new Promise((resolve, reject) => this.#unanswered.set(id, { resolve, reject }))
  }

  #take(answer: ThreadAnswer): void {
    const asked = this.#unanswered.get(answer.id)
    this.#unanswered.delete(answer.id)
    if (this.#unanswered.size === 0) this.#worker.unref()
    if (answer.error === undefined) asked?.resolve(answer.value as never)
    else asked?.reject(receiveError(answer.error))
  }

  #end(reason: unknown): void {
    this.#isOver = true
    forgetGate(this.#gate)
    for (const { reject } of this.#unanswered.values()) reject(reason)
    this.#unanswered.clear()
  }
}

function memoryFault(error: Error): Error {
  if ((error as NodeJS.ErrnoException).code !== "ERR_WORKER_OUT_OF_MEMORY") return error
  return new UserError("detection ran out of memory: look at smaller images, or at fewer at once (workers)")
}
