import { deserialize, serialize } from "node:v8"
import type * as tf from "@tensorflow/tfjs-core"
import { LostProcessError, PeerError, UserError } from "../core/errors.js"
import { isLoopback, whoIsGone } from "./cluster-peers.js"
import type { ClusterPlace } from "./cluster-place.js"
import { Collectives, endProcess, joinTasks } from "./native/collectives.js"
import { type ClusterTimes, serverDef, taskName } from "./native/server-def.js"

/**
 * How long processes wait for one another.
 * @source torchrun's rendezvous waits ten minutes. A dead process is found within 15 s: TensorFlow looks after the heartbeats
 * a little later than it is told
 */
export const clusterTimes: ClusterTimes = { joinMs: 600_000, silentMs: 10_000 }

/** What a process tells the others: a value, or why it ends. */
type Note<Value> = { readonly value: Value } | { readonly fault: Fault }
interface Fault {
  readonly message: string
  readonly exitCode: number
}

/** So many words are told at once; what is longer takes another round. */
const shortWords = 256
/** What one process tells all the others is told in pieces of so many words. */
const sharedWords = 2 ** 24

/**
 * Processes that train one model, joined by TensorFlow's own runtime: gRPC, and NCCL between GPUs. All of them do the same
 * exchanges in the same order.
 */
export class Cluster {
  readonly rank: number
  readonly size: number
  readonly #addresses: readonly string[]
  readonly #collectives: Collectives
  /** Why nothing can be exchanged any more: TensorFlow takes up no collective after one that failed. */
  #broken: Error | undefined

  private constructor({ addresses, rank }: ClusterPlace) {
    this.rank = rank
    this.size = addresses.length
    this.#addresses = addresses
    this.#collectives = new Collectives(addresses.length)
  }

  /**
   * Joins the other processes, and waits for them. Native TensorFlow runs; no tensor has been made yet.
   * @param missing rejects when one of them cannot come any more
   * @throws UserError where they do not all come in time
   */
  static async join(
    place: ClusterPlace,
    times: ClusterTimes = clusterTimes,
    missing: Promise<never> = new Promise(() => {}),
  ): Promise<Cluster> {
    const { addresses, rank } = place
    const server = serverDef(addresses, rank, times)
    const isLocal = addresses.every(isLoopback)
    // TensorFlow's first task waits for the others without end.
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("late")), times.joinMs)
    })
    try {
      await Promise.race([joinTasks(server, taskName(rank), isLocal), late, missing])
    } catch (error) {
      endThoughThreadsWait()
      throw error instanceof UserError ? error : notAllCame(error as Error, place, times)
    } finally {
      clearTimeout(timer)
      listenAgain("SIGTERM")
    }
    return new Cluster(place)
  }

  /** The sums over all processes of float32 tensors of the same names and shapes; to be disposed by the caller. */
  sum(tensors: tf.NamedTensorMap): Promise<tf.NamedTensorMap> {
    return this.#guard(() => this.#collectives.sum(tensors))
  }

  /**
   * Tells the others a value, of any kind that can be cloned.
   * @returns those of all processes, by rank
   * @throws PeerError where one of them tells why it ends
   */
  exchange<Value>(value: Value): Promise<Value[]> {
    return this.#exchange({ value })
  }

  /** What the first process says; the others' word does not count. For large values. */
  async share<Value>(value: Value): Promise<Value> {
    const own = this.rank === 0 ? toWords(serialize(value)) : new Int32Array(0)
    const [count] = await this.exchange(own.length)
    const words = new Int32Array(count!)
    for (let at = 0; at < count!; at += sharedWords) {
      const part = this.rank === 0 ? own.slice(at, at + sharedWords) : words.slice(at, at + sharedWords)
      words.set(await this.#guard(() => this.#collectives.add(part)), at)
    }
    return deserialize(new Uint8Array(words.buffer)) as Value
  }

  /** Tells the others, where they can still be told, that this process ends; in the place of its next `exchange`. */
  async fail(error: unknown): Promise<void> {
    if (this.#broken !== undefined) return
    const message = error instanceof Error ? error.message : String(error)
    const exitCode = error instanceof UserError ? error.exitCode : 1
    await this.#exchange({ fault: { message, exitCode } }).catch(() => {})
  }

  async #exchange<Value>(note: Note<Value>): Promise<Value[]> {
    const notes = (await this.#gather(serialize(note))).map((bytes) => deserialize(bytes) as Note<Value>)
    const rank = notes.findIndex((one, r) => "fault" in one && r !== this.rank)
    const first = notes[rank]
    if (first === undefined || !("fault" in first)) return notes.map((one) => (one as { value: Value }).value)
    const { message, exitCode } = first.fault
    this.#broken = new PeerError(`process ${rank} of ${this.size} ended: ${message}`, exitCode)
    throw this.#broken
  }

  async #gather(bytes: Uint8Array): Promise<Uint8Array[]> {
    const words = toWords(bytes)
    const short = new Int32Array(shortWords)
    short[0] = bytes.length
    short.set(words.subarray(0, shortWords - 1), 1)
    const begun = inParts(await this.#guard(() => this.#collectives.gather(short)), shortWords)
    const lengths = begun.map((part) => part[0]!)
    const left = Math.max(...lengths.map((length) => Math.ceil(length / 4))) - (shortWords - 1)
    if (left <= 0) return begun.map((part, r) => toBytes([part.subarray(1)], lengths[r]!))
    const rest = new Int32Array(left)
    rest.set(words.subarray(shortWords - 1))
    const ended = inParts(await this.#guard(() => this.#collectives.gather(rest)), left)
    return begun.map((part, r) => toBytes([part.subarray(1), ended[r]!], lengths[r]!))
  }

  async #guard<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#broken !== undefined) throw this.#broken
    try {
      return await work()
    } catch (error) {
      endThoughThreadsWait()
      const { message } = error as Error
      const { ranks, why } = await whoIsGone(message, this.#addresses, this.rank)
      const who = ranks.map((rank) => `process ${rank} (${this.#addresses[rank]})`).join(" and ")
      const what = ranks.length === 0 ? `the other processes cannot be reached: ${firstLine(message)}` : `${who} ${why}`
      // The lowest of those that are left tells it.
      const isTeller = Array.from({ length: this.rank }, (_, r) => r).every((r) => ranks.includes(r))
      this.#broken ??= new LostProcessError(`${what}; the ${this.size} processes end`, isTeller)
      throw this.#broken
    }
  }
}

/**
 * Once something failed TensorFlow's threads may wait for ever, and a process with them: it ends some time after it has
 * nothing else to do.
 */
function endThoughThreadsWait(): void {
  setTimeout(endProcess, 3000).unref()
}

function notAllCame(error: Error, { addresses, rank }: ClusterPlace, { joinMs }: ClusterTimes): UserError {
  const all = `process ${rank} of ${addresses.length} (${addresses.join(", ")})`
  const others = rank === 0 ? "the others have not all come" : "the first process has not come"
  const seconds = joinMs / 1000
  if (error.message === "late" || /deadline|RegisterTask|unavailable|connect/i.test(error.message)) {
    return new UserError(
      `${all}: ${others} within ${seconds} s. Start all of them, and see that they reach one another`,
    )
  }
  return new UserError(`${all} cannot join the others: ${firstLine(error.message)}`)
}

/** TensorFlow's coordination service takes SIGTERM for itself: who listened before listens again. */
function listenAgain(signal: NodeJS.Signals): void {
  const listeners = process.listeners(signal)
  const ignore = () => {}
  process.removeAllListeners(signal)
  // With a listener that comes and goes Node sets the signal anew, though nobody has listened before.
  process.on(signal, ignore)
  process.removeListener(signal, ignore)
  for (const listener of listeners) process.on(signal, listener as NodeJS.SignalsListener)
}

const firstLine = (text: string) => text.split("\n")[0]!

function toWords(bytes: Uint8Array): Int32Array {
  const padded = new Uint8Array(4 * Math.ceil(bytes.length / 4))
  padded.set(bytes)
  return new Int32Array(padded.buffer)
}

function toBytes(parts: readonly Int32Array[], length: number): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => new Uint8Array(part.slice().buffer)))).subarray(0, length)
}

const inParts = (words: Int32Array, length: number): Int32Array[] =>
  Array.from({ length: words.length / length }, (_, r) => words.subarray(r * length, (r + 1) * length))
