import { existsSync, readFileSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { z } from "zod"
import { DataError, UsageError, unlessBroken } from "../core/errors.js"
import { fileSha256 } from "../core/file-sha256.js"
import { parseJson } from "../core/plain-data.js"
import { removeParts, writeWhole } from "../core/write-whole.js"
import type { DetectOptions } from "../detector/detect-options.js"
import type { Precision } from "../engine/names.js"
import { idKey } from "../json/coco-id.js"
import { cutHalfLine, logName } from "../predict/detection-log.js"
import { type DetectionFormat, writtenFormats } from "../predict/writer.js"
import type { LabelFormat } from "./label-output.js"
import type { CheckedDetectOptions } from "./options/detect.js"
import { expectNone } from "./own-output.js"

/** Every `count`-th image, from `index` on. */
export interface Shard {
  readonly index: number
  readonly count: number
}

interface RecordedWeights {
  /** Absolute. */
  readonly file: string
  readonly bytes: number | null
  /** Of the content; not in records of earlier versions. */
  readonly sha256?: string
}

/** What is made of images and detections beside the log, as it was asked for; records of earlier versions do not tell. */
interface RecordedOutputs {
  readonly draw?: boolean
  readonly crops?: boolean
  readonly lineWidth?: number | null
  readonly hideLabels?: boolean
  readonly hideScores?: boolean
  readonly labels?: LabelFormat | null
  readonly below?: number | null
}

/** `detect.json`: what a folder's detections were made of. A run goes on, and shards are merged, only where it is the same. */
export interface DetectionRecord extends RecordedOutputs {
  /** Absolute, an address, or `-`. */
  readonly source: string
  /** How many frames of a video's second were looked at; all where it is left out. */
  readonly fps?: number
  readonly weights: readonly RecordedWeights[]
  readonly engine: string | null
  /** `float32` where it is left out. */
  readonly precision?: Precision
  readonly options: DetectOptions
  readonly classes: readonly string[]
  /** The classes whose objects are kept; all where it is left out. */
  readonly only?: readonly string[]
  readonly categoryIds: readonly (number | string)[]
  readonly formats: readonly DetectionFormat[]
  /** Absolute path of the ground truth whose image ids the results have, and its split. */
  readonly gt: string | null
  readonly split: string | null
  readonly shard: Shard | null
  /** Whether every image has been looked at. */
  readonly finished: boolean
}

const recordName = "detect.json"

/** The video of a video's frames with their boxes drawn. */
export const videoName = "detections.mp4"

/** Everything that detection writes below its folder. */
export const resultNames = {
  folders: ["images", "crops", "labels", "voc", "dataset", "unsure"],
  files: [recordName, logName, "detections.csv", videoName, "coco_results.json", "coco_images.json"],
} as const

export const weightsOf = (paths: readonly string[]): Promise<RecordedWeights[]> =>
  Promise.all(
    paths.map(async (path) => {
      const stat = statSync(path, { throwIfNoEntry: false })
      const sha256 = stat?.isFile() ? await fileSha256(path) : undefined
      return { file: resolve(path), bytes: stat?.size ?? null, ...(sha256 && { sha256 }) }
    }),
  )

/** @throws UsageError where a folder has results already, which would be lost; a run that found nothing yet has none */
export function refuseResults(folder: string, cure?: string): void {
  const idle: readonly string[] = isIdle(folder) ? [recordName, logName] : []
  const files = resultNames.files.filter((name) => !idle.includes(name))
  expectNone(folder, [...files, ...resultNames.folders], cure)
}

/** Whether a run in a folder ended before its first image was done. */
function isIdle(folder: string): boolean {
  const size = statSync(join(folder, logName), { throwIfNoEntry: false })?.size ?? 0
  return size === 0 && findRecord(folder)?.finished === false
}

type AskedOutputs = Pick<CheckedDetectOptions, keyof RecordedOutputs>

export const outputsOf = ({ draw, crops, lineWidth, hideLabels, hideScores, labels, below }: AskedOutputs) => ({
  ...{ draw, crops, lineWidth: lineWidth ?? null, hideLabels, hideScores },
  ...{ labels: labels ?? null, below: below ?? null },
})

export function writeRecord(folder: string, record: DetectionRecord): void {
  writeWhole(join(folder, recordName), `${JSON.stringify(record, undefined, 2)}\n`)
}

const storedRecord = z
  .looseObject({
    classes: z.array(z.string()),
    categoryIds: z.array(z.union([z.number(), z.string()])),
    formats: z.array(z.enum(writtenFormats)),
    gt: z.string().nullish(),
    shard: z.object({ index: z.int().min(0), count: z.int().min(1) }).nullish(),
    finished: z.boolean(),
  })
  .refine(({ classes, categoryIds }) => classes.length === categoryIds.length)

/** The record in a folder; undefined where there is none. */
export const findRecord = (folder: string): DetectionRecord | undefined => unlessBroken(() => readRecord(folder))

/** Whether the detections in a folder have the image ids of this ground truth. */
export function isMadeAgainst(folder: string, { gt, split }: { readonly gt: string; readonly split: string }): boolean {
  const record = findRecord(folder)
  // A file has no splits.
  return record?.gt === resolve(gt) && (record.split === split || gt.toLowerCase().endsWith(".json"))
}

/** The classes of the category ids in a folder's COCO results; undefined where it has no record. */
export function recordedCategories(folder: string): ReadonlyMap<number | string, string> | undefined {
  const record = findRecord(folder)
  return record && new Map(record.categoryIds.map((id, k) => [idKey(id), record.classes[k]!]))
}

/** @throws DataError where a folder has none, or it cannot be read */
export function readRecord(folder: string): DetectionRecord {
  const path = join(folder, recordName)
  try {
    const record = parseJson(readFileSync(path, "utf8"))
    // Checked and returned as it is: a copy by the schema would have its keys in another order.
    storedRecord.parse(record)
    return record as DetectionRecord
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const message = error instanceof z.ZodError ? "it is no record of detect" : (error as Error).message
    throw new DataError(
      code === "ENOENT" ? `${folder}: expected the results of detect, found no ${recordName}` : `${path}: ${message}`,
    )
  }
}

/** What must not differ between the parts of one run. */
const parts = [
  "source",
  "fps",
  "weights",
  "engine",
  "precision",
  "options",
  "classes",
  "only",
  "categoryIds",
  "gt",
  "split",
] as const

const outputs = ["draw", "crops", "lineWidth", "hideLabels", "hideScores", "labels", "below"] as const

/** Weights without the hashes of their content, where only one of two records tells them. */
function alikeTold(...both: readonly (readonly RecordedWeights[])[]): readonly (readonly RecordedWeights[])[] {
  if (both.every((weights) => weights?.every(({ sha256 }) => sha256 !== undefined))) return both
  return both.map((weights) => weights?.map(({ sha256, ...known }) => known))
}

/** The first part in which two records differ, and both of it. */
export function differenceOf(one: DetectionRecord, other: DetectionRecord, names: readonly (keyof DetectionRecord)[]) {
  const told = outputs.filter((name) => name in one && name in other)
  for (const name of [...parts, ...told, ...names]) {
    // As they are in the file: what is not given is not there.
    const values = name === "weights" ? alikeTold(one.weights, other.weights) : [one[name], other[name]]
    const [a, b] = values.map((value) => JSON.parse(JSON.stringify(value ?? null)))
    if (!isDeepStrictEqual(a, b)) return { name, text: `${JSON.stringify(a)} and ${JSON.stringify(b)}` }
  }
  return undefined
}

/**
 * Makes the folder of an earlier, unfinished run ready to be continued.
 * @returns the path of its log; undefined where nothing was begun yet
 * @throws UsageError where it was begun in another way
 */
export function reopenResults(folder: string, record: DetectionRecord): string | undefined {
  const log = join(folder, logName)
  removeParts(folder)
  if (!existsSync(join(folder, recordName))) {
    refuseResults(folder)
    return undefined
  }
  const begun = readRecord(folder)
  // What is made at the end may still be asked for.
  const asked = { ...begun, labels: begun.labels ?? record.labels ?? null, below: begun.below ?? record.below ?? null }
  const different = differenceOf(asked, record, ["shard"])
  if (different !== undefined && isIdle(folder)) {
    refuseResults(folder)
    return undefined
  }
  if (different !== undefined) {
    throw new UsageError(
      `--resume: ${folder} was begun with another ${different.name}: ${different.text}. Use the same, or another --out`,
    )
  }
  if (!existsSync(log)) return undefined
  cutHalfLine(log)
  return log
}
