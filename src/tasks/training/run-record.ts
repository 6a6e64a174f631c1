import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { z } from "zod"
import { DataError, UsageError } from "../../core/errors.js"
import { parseJson } from "../../core/plain-data.js"
import { renameOldKeys } from "../../core/renamed-keys.js"
import { firstFew } from "../../core/shown.js"
import { makeFolder, writeWhole } from "../../core/write-whole.js"
import { hasState, loadState, type SavedState } from "../../train/state.js"
import { expectValues } from "../config.js"
import { type HeldFolder, holdFolder } from "../folder-lock.js"
import { expectNone } from "../own-output.js"
import type { Environment } from "./environment.js"
import { makeRunFolder } from "./run-folder.js"

/** What a run's `config.json` holds: enough to start it again, and to see whether the data are still the same. */
export interface RunRecord<Config, Model> {
  readonly config: Config
  readonly model: Model
  readonly data: DatasetFingerprint
  /** What of a weights file it began with, for people. */
  readonly loaded?: string
  /** What it was started on, for people. */
  readonly environment?: Environment
}

/** By what a run knows its data again. */
export interface DatasetFingerprint {
  readonly images: number
  readonly classes: readonly string[]
  /** Names of the images held out to validate on, where the data have no splits. */
  readonly heldOut?: readonly string[]
}

/** A run's length, in one of the two. */
interface RunLength {
  readonly epochs?: number | undefined
  readonly steps?: number | undefined
}

/** What may change while a run rests. */
export interface ResumeChanges extends RunLength {
  readonly threads?: number | undefined
  readonly workers?: number | undefined
  readonly engine?: string | undefined
  readonly patience?: number | undefined
  readonly maxTime?: string | undefined
  readonly cache?: "ram" | "disk" | undefined
  /** Where its data are now. */
  readonly data?: string | undefined
  /** Where a COCO file's images are now. */
  readonly images?: string | undefined
}

const changeable: readonly (keyof ResumeChanges)[] = [
  "epochs",
  "steps",
  "threads",
  "workers",
  "engine",
  "patience",
  "maxTime",
  "cache",
  "data",
  "images",
]

/**
 * @param isBegun whether a folder holds a run
 * @throws UsageError when `out` holds a run already, or files that a run would overwrite
 */
export function refuseExistingRun(out: string | undefined, isBegun: (folder: string) => boolean = hasState): void {
  if (out === undefined) return
  if (isBegun(out)) {
    throw new UsageError(`${out} already holds a run. Continue it with --resume ${out}, or choose another --out`)
  }
  if (!isUnsaved(out)) expectNone(out, runNames)
}

/** What a run writes, but for its state. */
const runNames = [
  "weights/best.safetensors",
  "weights/last.safetensors",
  "results.csv",
  "metrics.jsonl",
  "report.html",
  "config.json",
]

/** Whether a folder is that of a run which ended before it could be saved: the report follows the first state. */
function isUnsaved(out: string): boolean {
  return !existsSync(join(out, "report.html")) && findRecord(out) !== undefined
}

/** The record in a folder, before a command checks it; undefined where there is none. */
export function findRecord(folder: string): z.output<typeof storedRecord> | undefined {
  try {
    return readStored(folder)
  } catch {
    return undefined
  }
}

/**
 * Makes a new run's folder and its `config.json`.
 * @param kind where runs go by default, `runs/<kind>/train1`, ...
 * @returns the folder, held by this process
 * @throws UsageError when a run was made there meanwhile, UserError while one trains there
 */
export function createRun(kind: string, out: string | undefined, record: RunRecord<unknown, unknown>): HeldFolder {
  const held = holdFolder(makeRunFolder(kind, out, "train"), "trained")
  try {
    refuseExistingRun(held.folder)
    makeFolder(join(held.folder, "weights"), held.folder)
    writeWhole(join(held.folder, "config.json"), textOf(record))
    return held
  } catch (error) {
    held[Symbol.dispose]()
    throw error
  }
}

/**
 * The record of a run that is to go on, with the options that may change while it rests.
 * @throws UsageError for other options, DataError when `run` is no run's folder, or one of another kind
 */
export function reopenRun<Schema extends z.ZodType, Model>(
  run: string,
  schema: Schema,
  changes: Readonly<Record<string, unknown>>,
): RunRecord<z.output<Schema>, Model> {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
  const [foreign] = Object.keys(given).filter((name) => !(changeable as readonly string[]).includes(name))
  if (foreign !== undefined) {
    throw new UsageError(`--resume continues with the run's own options: leave out --${foreign}, or start a new run`)
  }
  expectValues(schema, given, () => "--resume")
  const saved = readRecord<Model>(run)
  for (const [unit, other] of [
    ["epochs", "steps"],
    ["steps", "epochs"],
  ] as const) {
    if (given[unit] === undefined || saved.config[other] === undefined) continue
    throw new UsageError(`${run}: its length is in ${other}. Give --${other} instead of --${unit}`)
  }
  const config = schema.safeParse({ ...saved.config, ...given })
  if (config.success) return { ...saved, config: config.data }
  const key = config.error.issues[0]!.path.join(".")
  throw new DataError(
    `${join(run, "config.json")}: not a run of this command${key && `: ${key} does not fit`}. Continue it with the command that started it`,
  )
}

const fingerprint = z.looseObject({ images: z.number(), classes: z.array(z.string()) })

/** What is used of a record before its command checks it. */
const storedRecord = z.looseObject({ config: z.looseObject({}), data: fingerprint })

function readRecord<Model>(run: string): RunRecord<Record<string, unknown>, Model> {
  const file = join(run, "config.json")
  try {
    return readStored(run) as unknown as RunRecord<Record<string, unknown>, Model>
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0]! : undefined
    const what = reason ? [reason.path.join("."), reason.message].filter(Boolean).join(": ") : (error as Error).message
    throw new DataError(`${file}: ${what}. Expected the folder of a training run`)
  }
}

const readStored = (folder: string) =>
  renameOldKeys(storedRecord.parse(parseJson(readFileSync(join(folder, "config.json"), "utf8")))).tree

/** Keeps where a run's data are now, so that nobody has to say it again. */
export function keepPlaces(run: string, changes: ResumeChanges): void {
  const { config, ...rest } = readStored(run)
  const { data = config.data, images = config.images } = changes
  if (data === config.data && images === config.images) return
  writeWhole(join(run, "config.json"), textOf({ config: { ...config, data, images }, ...rest }))
}

const textOf = (record: object) => `${JSON.stringify(record, null, 2)}\n`

/**
 * The state that a run goes on from.
 * @param now what its data are today
 * @throws DataError when the data have changed, or there is no state
 */
export function stateOf(run: string, then: DatasetFingerprint, now: DatasetFingerprint, data: string): SavedState {
  refuseOtherData(then, now, data)
  return loadState(run)
}

/** @throws DataError when the data of a run have changed */
export function refuseOtherData(then: DatasetFingerprint, now: DatasetFingerprint, data: string): void {
  if (JSON.stringify(then) === JSON.stringify(now)) return
  throw new DataError(`${data} has changed: ${changeOf(then, now)}`)
}

function changeOf(then: DatasetFingerprint, now: DatasetFingerprint): string {
  const isAlike = then.images === now.images && String(then.classes) === String(now.classes)
  if (!isAlike) {
    return (
      `the run started with ${then.images} images of ${then.classes.join(", ")}, ` +
      `now there are ${now.images} of ${now.classes.join(", ")}`
    )
  }
  const before = namesBut(now.heldOut, then.heldOut)
  const after = namesBut(then.heldOut, now.heldOut)
  return (
    `the run held out ${before} to validate on, now it would be ${after}. ` +
    "Give the images the names that they had, or start a new run"
  )
}

/** The first of the names that are not among others. */
function namesBut(others: readonly string[] = [], names: readonly string[] = []): string {
  const known = new Set(others)
  return firstFew(names.filter((name) => !known.has(name))) || "no others"
}
