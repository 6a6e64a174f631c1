import type { Cluster } from "../engine/cluster.js"

/** The processes that train together, as tasks share work out among them. */
export type Peers = Pick<Cluster, "rank" | "size" | "exchange">

/**
 * What the processes of a run agree on: to stop, and what time it is. Each may be told to stop; all of them do after the same step.
 * A process that trains alone agrees with itself.
 */
export class Agreement {
  /** Aborted once all know that one of them was asked to stop. */
  readonly signal: AbortSignal
  readonly #asked: AbortSignal
  readonly #peers: Peers | undefined
  readonly #stop = new AbortController()
  #now = 0
  readonly #begunAt = performance.now()

  /** @param asked what this process is asked by */
  constructor(asked: AbortSignal, peers?: Peers) {
    this.#asked = asked
    this.#peers = peers
    this.signal = peers === undefined ? asked : this.#stop.signal
  }

  /** Milliseconds since the run began here; among several the first one's, as it was when they last agreed. */
  get now(): number {
    return this.#peers === undefined ? performance.now() - this.#begunAt : this.#now
  }

  /** Meets the others. @returns what each of them tells, by rank */
  async agree<Told>(told: Told): Promise<Told[]> {
    if (this.#peers === undefined) return [told]
    const own = { told, stop: this.#asked.aborted, now: performance.now() - this.#begunAt }
    const notes = await this.#peers.exchange(own)
    this.#now = notes[0]!.now
    if (notes.some(({ stop }) => stop)) this.#stop.abort()
    return notes.map((note) => note.told)
  }
}
