import type { Dataset } from "../../datasets/dataset.js"
import type { FaultPolicies } from "../../datasets/faults.js"
import { readDataset } from "../../datasets/read.js"
import { DataError } from "../tensor/errors.js"
import { type DataPrint, type Log, tellFaults, validationOf } from "./training-run.js"

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
  log: Log,
): Promise<TrainingData> {
  const images = config.images ?? null
  const training = await readDataset(data, { split, images, policies })
  tellData(training, log)
  if (training.images.length === 0) throw new DataError(`${data}: no images in split ${training.split}`)
  if (valEvery === 0) return { training, validation: undefined }
  const asked = { split: valSplit, images, policies, classes: training.classes }
  const validation = await validationOf(() => readDataset(data, asked), log)
  if (validation) tellData(validation, log)
  return { training, validation }
}

export function dataPrint({ images, classes }: Dataset): DataPrint {
  return { images: images.length, classes }
}

function tellData(data: Dataset, log: Log): void {
  const objects = data.images.reduce((sum, { labels }) => sum + labels.length, 0)
  log(
    `${data.source}: ${data.format.toUpperCase()} data, split ${data.split}: ${data.images.length} images, ` +
      `${objects} objects, ${data.classes.length} classes`,
  )
  for (const notice of data.notices ?? []) log(notice)
  tellFaults(data.faults, "resdet dataset check names them all", log)
}
