/** Runs so many jobs at once, the others after them in their order. */
export class JobQueue {
  readonly #slots: number
  #running = 0
  readonly #waiting = new Set<() => void>()
  /** Rejects each call that is not settled. */
  readonly #unsettled = new Set<(reason: unknown) => void>()
  #closed: { readonly reason: unknown } | undefined

  constructor(slots: number) {
    this.#slots = slots
  }

  /**
   * Waits for a free slot and runs a job. A call that is given up rejects at once; a job that has begun keeps its slot until it ends.
   * @param job is told by its signal that nobody waits for it any more
   * @param signal gives the call up, with the signal's reason
   */
  run<Result>(job: (givenUp: AbortSignal) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed.reason)
      if (signal?.aborted) return reject(signal.reason)
      const stop = new AbortController()
      const begin = () => {
        this.#running++
        const ended = () => {
          this.#running--
          settled()
          this.#beginNext()
        }
        job(stop.signal).then(resolve, reject).finally(ended)
      }
      const giveUp = (reason: unknown) => {
        this.#waiting.delete(begin)
        settled()
        stop.abort(reason)
        reject(reason)
      }
      const aborted = () => giveUp(signal?.reason)
      const settled = () => {
        signal?.removeEventListener("abort", aborted)
        this.#unsettled.delete(giveUp)
      }
      signal?.addEventListener("abort", aborted)
      this.#unsettled.add(giveUp)
      this.#waiting.add(begin)
      this.#beginNext()
    })
  }

  /** Rejects all calls, those that come later as well. */
  close(reason: unknown): void {
    this.#closed = { reason }
    for (const giveUp of [...this.#unsettled]) giveUp(reason)
  }

  #beginNext(): void {
    for (const begin of this.#waiting) {
      if (this.#running >= this.#slots) return
      this.#waiting.delete(begin)
      begin()
    }
  }
}
