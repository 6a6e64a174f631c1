import { readFileSync } from "node:fs"
import { join } from "node:path"
import { z } from "zod"
import { augmentLevels } from "../../../datasets/augment/levels.js"
import { DataError } from "../../core/errors.js"
import { parseJson } from "../../core/plain-data.js"
import { writeWhole } from "../../core/write-whole.js"
import { tuneSchema } from "../options/tune.js"

const choice = z.strictObject({
  lr: z.number(),
  size: z.number(),
  anchors: z.literal("auto").optional(),
  augment: z.enum(augmentLevels).optional(),
})

const trialResult = z.strictObject({
  /** From 1. */
  round: z.number(),
  /** Which of the choices, from 1. */
  trial: z.number(),
  steps: z.number(),
  /** What the metric came to; null where the trial failed, `failure` then says why. */
  value: z.number().nullable(),
  seconds: z.number(),
  failure: z.string().optional(),
})

const tuningRecord = z.strictObject({
  config: tuneSchema.extend({ data: z.unknown() }),
  /** What is tried, and how long; decided once, so that a search that goes on is the same. */
  choices: z.array(choice).optional(),
  plan: z.strictObject({ steps: z.array(z.number()), images: z.number() }).optional(),
  metric: z.string().optional(),
  /** Seconds so far. */
  spent: z.number(),
  results: z.array(trialResult),
})

export type TrialResult = z.output<typeof trialResult>
export type TuningRecord = z.output<typeof tuningRecord>

const fileOf = (folder: string) => join(folder, "tune.json")

export function writeTuning(folder: string, record: TuningRecord): void {
  writeWhole(fileOf(folder), `${JSON.stringify(record, null, 2)}\n`)
}

/** @throws DataError where the folder has no record of a search */
export function readTuning(folder: string): TuningRecord {
  const file = fileOf(folder)
  try {
    const read = tuningRecord.safeParse(parseJson(readFileSync(file, "utf8")))
    if (read.success) return read.data
    const { path, message } = read.error.issues[0]!
    throw new Error(`${path.join(".")}: ${message}`)
  } catch (error) {
    throw new DataError(`${file}: ${(error as Error).message}. Expected the folder of resdet tune`)
  }
}
