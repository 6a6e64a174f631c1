import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import type * as tf from "@tensorflow/tfjs-core"
import { z } from "zod"
import { DataError } from "../core/errors.js"
import type { Parameter, Weights } from "../core/parameters.js"
import { parseJson } from "../core/plain-data.js"
import { syncFolder, writeWhole } from "../core/write-whole.js"
import { fromTorchAxes } from "../weights/axes.js"
import { loadSafetensors, writeSafetensors } from "../weights/safetensors.js"
import { saveWeights } from "../weights/save.js"
import type { WeightAverage } from "./average.js"
import type { Optimizer } from "./optimizer.js"
import type { RunPosition, RunStart } from "./run-position.js"

/** All that a run needs to go on bit for bit. */
export interface SavedState extends RunStart {
  readonly weights: Weights
  readonly moments: ReadonlyMap<string, Float32Array>
}

const names = {
  position: "position.json",
  weights: "weights.safetensors",
  moments: "velocities.safetensors",
  average: "average.safetensors",
}

/** Where a run stands, and where its epoch began, as folders of a run. */
const slots = ["state", "epoch-start"] as const
type Slot = (typeof slots)[number]

/**
 * Saves a run's state as one folder `<run>/state`. It is written beside the old one and takes its place at the end, so
 * that at every moment one whole state is there, whatever breaks: a kill, a full disk, the power.
 */
export function saveState(
  run: string,
  position: RunPosition,
  parameters: Iterable<Parameter>,
  optimizer: Optimizer,
  average?: WeightAverage,
): void {
  replace(run, "state", (folder) => write(folder, position, parameters, optimizer, average))
}

/**
 * Saves what an epoch begins with as `<run>/epoch-start`, as `saveState` does. Where `state` is of that position, which is so for all
 * epochs but the first, its files are linked and take no room until the next save.
 */
export function saveEpochStart(
  run: string,
  position: RunPosition,
  parameters: Iterable<Parameter>,
  optimizer: Optimizer,
  average?: WeightAverage,
): void {
  const { state } = placesIn(run, "state")
  replace(run, "epoch-start", (folder) => {
    const isSame = readText(join(state, names.position)) === textOf(position)
    if (!isSame || !linkFiles(state, folder)) write(folder, position, parameters, optimizer, average)
  })
}

/** Once an epoch is over, nobody goes back to its beginning. */
export function removeEpochStart(run: string): void {
  rmSync(placesIn(run, "epoch-start").state, { recursive: true, force: true })
}

function write(
  folder: string,
  position: RunPosition,
  parameters: Iterable<Parameter>,
  optimizer: Optimizer,
  average?: WeightAverage,
): void {
  saveWeights(join(folder, names.weights), parameters)
  writeTensors(join(folder, names.moments), optimizer.moments)
  if (average !== undefined) writeTensors(join(folder, names.average), average.means)
  writeWhole(join(folder, names.position), textOf(position))
}

/** Links the files of a folder; false where the file system cannot. */
function linkFiles(from: string, to: string): boolean {
  try {
    for (const name of readdirSync(from)) linkSync(join(from, name), join(to, name))
    return true
  } catch {
    return false
  }
}

/** Fills a folder and puts it in the place of another. */
function replace(run: string, slot: Slot, fill: (folder: string) => void): void {
  const { state, fresh, old } = placesIn(run, slot)
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  fill(fresh)
  syncFolder(fresh)
  // After a kill between the two renames the old state is the only one: it goes once the new one stands.
  if (existsSync(state)) {
    rmSync(old, { recursive: true, force: true })
    renameSync(state, old)
  }
  renameSync(fresh, state)
  syncFolder(run)
  rmSync(old, { recursive: true, force: true })
}

const textOf = (position: RunPosition) => `${JSON.stringify(position)}\n`

function readText(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined
}

/** Where states are: the whole one, the one that is being written, and the one before. */
const placesIn = (run: string, slot: Slot) => ({
  state: join(run, slot),
  fresh: join(run, `${slot}.new`),
  old: join(run, `${slot}.old`),
})

/** Whether a run's folder has a state to go on from. */
export function hasState(run: string): boolean {
  const { state, old } = placesIn(run, "state")
  return existsSync(state) || existsSync(old)
}

/** Removes what a kill in `saveState` left beside the states. */
export function removeOtherStates(run: string): void {
  for (const slot of slots) {
    const { state, fresh, old } = placesIn(run, slot)
    rmSync(fresh, { recursive: true, force: true })
    if (existsSync(state)) rmSync(old, { recursive: true, force: true })
  }
}

/**
 * Reads what `saveState` wrote.
 * @throws DataError when the run has no state, or a broken one
 */
export function loadState(run: string, slot: Slot = "state"): SavedState {
  const { state, old } = placesIn(run, slot)
  const folder = [state, old].find(existsSync)
  if (folder === undefined)
    throw new DataError(`${run}: no saved state to continue from. Expected a folder "${slot}" in it`)
  const average = join(folder, names.average)
  return {
    position: readPosition(join(folder, names.position)),
    weights: readWeights(join(folder, names.weights)),
    moments: readTensors(join(folder, names.moments)),
    ...(existsSync(average) && { average: readTensors(average) }),
  }
}

/** What `saveWeights` wrote. */
const readWeights = (file: string): Weights =>
  new Map([...loadSafetensors(file)].map(([name, weight]) => [name, fromTorchAxes(weight)]))

/** In our own axis order: only we read them. */
function writeTensors(file: string, tensors: ReadonlyMap<string, tf.Tensor>): void {
  const values = [...tensors].map(([name, tensor]) => {
    return [name, { shape: tensor.shape, values: tensor.dataSync<"float32">() }] as const
  })
  writeSafetensors(file, values)
}

function readTensors(file: string): Map<string, Float32Array> {
  return new Map([...loadSafetensors(file)].map(([name, { values }]) => [name, values]))
}

const count = z.int().min(0)
const sums = z.object({
  sums: z.record(z.string(), z.number()),
  count,
  counts: z.record(z.string(), count).optional(),
})

/** What `saveState` writes of a position. */
const storedPosition = z.object({
  epoch: count,
  batch: count,
  step: count,
  best: z.number().nullable(),
  losses: sums,
  window: sums.optional(),
  pending: z.boolean().optional(),
  schedule: z
    .object({
      error: z.number(),
      started: z.boolean(),
      drops: count,
      best: z.number().nullable(),
      waited: count,
    })
    .optional(),
  seconds: z.number().optional(),
  waited: count.optional(),
  trend: z.object({ first: z.number(), recent: z.number() }).optional(),
  retries: count.optional(),
})

function readPosition(file: string): RunPosition {
  const broken = (what: string) => new DataError(`${file}: ${what}. The saved state is broken`)
  let value: unknown
  try {
    value = parseJson(readFileSync(file, "utf8"))
  } catch (error) {
    throw broken((error as Error).message)
  }
  const { success, data, error } = storedPosition.safeParse(value)
  if (success) return data as RunPosition
  const { path, message } = error.issues[0]!
  throw broken([path.join("."), message].filter(Boolean).join(": "))
}
