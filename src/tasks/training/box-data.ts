import type { Dataset } from "../../../datasets/dataset.js"
import { type FaultPolicies, scoringPolicies } from "../../../datasets/faults.js"
import { DataError } from "../../core/errors.js"
import { type BoxData, readBoxData } from "../box-data.js"
import type { Listener } from "../hooks.js"
import type { DatasetFingerprint } from "./run-record.js"

/** Where data with boxes are, and which parts of them a run uses. */
export interface BoxDataConfig {
  readonly data: BoxData
  /** What is validated on, instead of a split of `data`. */
  readonly valData?: BoxData | undefined
  readonly images?: string | undefined
  readonly split: string
  readonly valSplit: string
  readonly valEvery: number
}

export interface TrainingData {
  readonly training: Dataset
  readonly validation: Dataset | undefined
}

/**
 * Reads data with boxes to train and validate on, and says what they are.
 * @throws DataError when there is nothing to train on
 */
export async function readTrainingData(
  { data, valData, split, valSplit, valEvery, ...config }: BoxDataConfig,
  policies: Partial<FaultPolicies>,
  listener: Listener,
): Promise<TrainingData> {
  const images = config.images ?? null
  const training = await readBoxData(data, { split, images, policies }, listener)
  if (valEvery === 0) return { training, validation: undefined }
  // Samples of a program's own have no splits.
  const source = valData ?? (typeof data === "string" ? data : undefined)
  if (source === undefined) {
    listener.log("no validation: pass valData to validate on")
    return { training, validation: undefined }
  }
  const scoring = { ...scoringPolicies, ...policies }
  const asked = { split: valSplit, images, policies: scoring, classes: training.classes }
  const validation = await validationOf(() => readBoxData(source, asked, listener), listener)
  return { training, validation }
}

export function fingerprintOf({ images, classes }: Dataset): DatasetFingerprint {
  return { images: images.length, classes }
}

/** The data that a model is validated on; none, and why, where they cannot be read. */
export async function validationOf<Data>(
  read: () => Data | Promise<Data>,
  { log }: Listener,
): Promise<Data | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    log(`no validation: ${error.message}`)
    return undefined
  }
}
