import { freemem } from "node:os"
import { UsageError, UserError } from "../../core/errors.js"
import { freeIfPossible, isOutOfMemory } from "../../core/out-of-memory.js"
import type { EngineChoice, EngineName } from "../../engine/names.js"
import { isOnCuda } from "../../engine/native/op.js"
import { startEngine } from "../../engine/start.js"
import { peakBytes } from "../../train/peak-memory.js"
import { type Listener, listenerOf } from "../hooks.js"
import type { PreparedRun } from "./trainer.js"

/** The share of the free memory that a step may take. @source Ultralytics `AutoBatch`: 60 % of the device's memory */
const share = 0.6

/**
 * What a step takes of the system for each byte of its tensors: operations have scratch memory, allocators keep some.
 * @source measured, see docs/results.md
 */
const overhead = 1.2

/** WebAssembly addresses no more than this. */
const wasmMemory = 2 ** 32

interface BatchSearch {
  /** What is counted, such as `images`. */
  readonly of: string
  /** No larger batch is chosen. */
  readonly most: number
  /** Where `most` comes from. */
  readonly why: string
  /** Batches whose steps are measured, ascending: two of them give the memory of one more image. */
  readonly measured: readonly number[]
  /** A run of such batches, with made-up weights; it is used for one step. */
  prepare(batch: number, listener: Listener): Promise<PreparedRun>
}

/** Where a batch is looked for. */
interface BatchPlace {
  readonly processes?: number | undefined
  readonly engine: EngineChoice
  readonly listener: Listener
}

/**
 * The largest batch whose step fits into a share of the memory that is free. A few steps are measured; what a larger one
 * takes follows from the last two, since it grows by the same for each image.
 * @throws UserError where no step fits, or the engine's memory cannot be known
 */
export async function chooseBatch({ prepare, ...search }: BatchSearch, place: BatchPlace): Promise<number> {
  const { listener, processes = 1 } = place
  if (processes > 1) throw new UsageError("--batch auto measures one process: with --processes give --batch a number")
  const free = freeMemory(await startEngine(place.engine))
  const quiet = listenerOf({ signal: listener.signal })
  return largestBatch({ ...search, peak: async (batch) => peakOf(await prepare(batch, quiet), quiet) }, free, listener)
}

async function peakOf({ task, options, parameters, close }: PreparedRun, { signal }: Listener): Promise<number> {
  try {
    return await peakBytes((...args) => task.run(...args, undefined, undefined), options, signal)
  } finally {
    await close()
    freeIfPossible(() => parameters.dispose())
  }
}

/**
 * @param peak the most bytes of tensors in a step of so many
 * @param free bytes
 */
export async function largestBatch(
  {
    of,
    most,
    why,
    measured,
    peak,
  }: Omit<BatchSearch, "prepare"> & { readonly peak: (batch: number) => Promise<number> },
  free: number,
  { log }: Pick<Listener, "log">,
): Promise<number> {
  const budget = share * free
  const points: (readonly [batch: number, bytes: number])[] = []
  for (const batch of measured.filter((count, i) => i === 0 || count <= most)) {
    if (points.length > 1 && largest(points, budget) < batch) break
    const bytes = await peak(batch).catch((error: unknown) => {
      if (isOutOfMemory(error)) return undefined
      throw error
    })
    if (bytes === undefined) break
    points.push([batch, overhead * bytes])
  }
  const fits = Math.min(most, points.length === 0 ? 0 : largest(points, budget))
  const [smallest] = points
  const bounds = `${gigabytes(budget)} (${100 * share} % of the ${gigabytes(free)} that are free)`
  if (fits < 1) {
    const takes = smallest === undefined ? "does not fit" : `takes ${gigabytes(smallest[1])}`
    throw new UserError(`--batch auto: a step of ${measured[0]} ${of} ${takes}, more than ${bounds}. Lower --size`)
  }
  const { base, each } = line(points)
  const limit = fits === most ? `, as many as are taken at most (${why})` : ""
  log(
    `--batch auto: ${fits} ${of}${limit}: about ${gigabytes(base + fits * each)} of ${bounds}; measured ` +
      points.map(([batch, bytes]) => `${gigabytes(bytes)} for ${batch}`).join(", "),
  )
  return fits
}

/** Bytes of a step of n: base + n * each. */
function line(points: readonly (readonly [number, number])[]): { readonly base: number; readonly each: number } {
  const [one, other] = points.slice(-2)
  if (other === undefined) return { base: 0, each: one![1] / one![0] }
  const each = Math.max(1, (other[1] - one![1]) / (other[0] - one![0]))
  return { base: other[1] - other[0] * each, each }
}

function largest(points: readonly (readonly [number, number])[], budget: number): number {
  const { base, each } = line(points)
  return Math.floor((budget - base) / each)
}

function freeMemory(engine: EngineName): number {
  if (engine === "webgpu" || isOnCuda()) {
    throw new UserError("--batch auto: how much of a GPU's memory is free is not known here. Give --batch a number")
  }
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY
  const free = Math.min(freemem(), Math.max(0, limit - process.memoryUsage.rss()))
  return engine === "wasm" ? Math.min(free, wasmMemory) : free
}

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GB`

/** No more than a published batch, nor than there are images. */
export const mostOf = (published: number, source: string, images: number) =>
  images < published ? { most: images, why: "all there are" } : { most: published, why: source }
