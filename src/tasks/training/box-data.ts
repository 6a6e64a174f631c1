import type { Dataset } from "../../../datasets/dataset.js"
import { countFaults, type FaultPolicies, formatFault } from "../../../datasets/faults.js"
import { readDataset } from "../../../datasets/read.js"
import { DataError } from "../../tensor/errors.js"
import type { Listener } from "../hooks.js"
import type { DatasetFingerprint } from "./run-record.js"

/** Where data with boxes are, and which parts of them a run uses. */
export interface BoxDataConfig {
  readonly data: string
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
  { data, split, valSplit, valEvery, ...config }: BoxDataConfig,
  policies: Partial<FaultPolicies>,
  listener: Listener,
): Promise<TrainingData> {
  const images = config.images ?? null
  const training = await readDataset(data, { split, images, policies })
  tellData(training, listener)
  if (training.images.length === 0) throw new DataError(`${data}: no images in split ${training.split}`)
  if (valEvery === 0) return { training, validation: undefined }
  const asked = { split: valSplit, images, policies, classes: training.classes }
  const validation = await validationOf(() => readDataset(data, asked), listener)
  if (validation) tellData(validation, listener)
  return { training, validation }
}

export function fingerprintOf({ images, classes }: Dataset): DatasetFingerprint {
  return { images: images.length, classes }
}

function tellData(data: Dataset, { log }: Listener): void {
  const objects = data.images.reduce((sum, { labels }) => sum + labels.length, 0)
  log(
    `${data.source}: ${data.format.toUpperCase()} data, split ${data.split}: ${data.images.length} images, ` +
      `${objects} objects, ${data.classes.length} classes`,
  )
  for (const notice of data.notices ?? []) log(notice)
  tellFaults(data.faults, "resdet dataset check names them all", log)
}

/** How many faults of a data set are told one by one before training. */
const faultsTold = 10

/** @param more where the others can be seen */
export function tellFaults(faults: Dataset["faults"], more: string, log: (line: string) => void): void {
  if (faults.length === 0) return
  const counts = countFaults(faults).map(([kind, count]) => `${count} ${kind}`)
  log(`faults: ${counts.join(", ")}`)
  for (const fault of faults.slice(0, faultsTold)) log(`  ${formatFault(fault)}`)
  if (faults.length > faultsTold) log(`  ... ${more}`)
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
