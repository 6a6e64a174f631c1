import type { Fault } from "../../datasets/dataset.js"

/** How a caller follows a task, and stops it. Nothing is printed; what is not listened to is not told. */
export interface TaskHooks {
  /** Ends the task early: it stops at the next safe place and keeps what it has done. */
  readonly signal?: AbortSignal | undefined
  /** One line: what was found, decided or noticed. */
  onLog?(line: string): void
  /** What is wrong with the data, as it is met. */
  onFault?(fault: Fault): void
  onProgress?(progress: Progress): void
}

/** Where a long job stands. */
export interface Progress {
  /** What is done, in a word, such as `detect` or `check train`. */
  readonly job: string
  readonly done: number
  /** Undefined where nobody knows. */
  readonly total: number | undefined
  /** What is counted, where it is no number of things. */
  readonly unit?: "MB" | undefined
}

/** The hooks of a caller with the gaps filled, as tasks use them. */
export interface Listener {
  readonly signal: AbortSignal
  log(line: string): void
  fault(fault: Fault): void
  progress(progress: Progress): void
}

export function listenerOf(hooks: TaskHooks): Listener {
  return {
    // Asked for only where a task can stop: until then Ctrl-C ends the process at once.
    get signal() {
      return hooks.signal ?? new AbortController().signal
    },
    log: (line) => hooks.onLog?.(line),
    fault: (fault) => hooks.onFault?.(fault),
    progress: (progress) => hooks.onProgress?.(progress),
  }
}

/**
 * Tells how far a job has come, and ends it there when its caller has asked for that.
 * @throws the signal's reason
 */
export function countOff(listener: Listener, job: string): (done: number, total?: number) => void {
  return (done, total) => {
    listener.progress({ job, done, total })
    listener.signal.throwIfAborted()
  }
}
