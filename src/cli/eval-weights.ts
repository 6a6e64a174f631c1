import { formatFault } from "../../datasets/faults.js"
import { readDataset } from "../../datasets/read.js"
import { startEngine } from "../engine/start.js"
import { type EvalReport, evaluateDetections, type ReportOptions } from "../eval/report.js"
import { DataError } from "../tensor/errors.js"
import { detectDataset } from "../train/detect-dataset.js"
import { openDetector } from "../weights/detector-file.js"
import { interruption } from "./exit.js"
import { startProgress } from "./progress.js"

interface WeightsOptions {
  readonly weights: string
  readonly data: string
  readonly split?: string
  readonly images?: string
  readonly engine?: "tensorflow" | "wasm" | "auto"
}

/** Runs a detector over a data set and scores it. An image that cannot be read is told and counts as empty. */
export async function evaluateWeights(
  { weights, data, split = "val", images, engine }: WeightsOptions,
  options: Partial<ReportOptions>,
  log: (line: string) => void,
): Promise<EvalReport> {
  log(`engine: ${await startEngine(engine)}`)
  const { detector, parameters, config, classes } = openDetector(weights)
  const set = await readDataset(data, { split, classes, images: images ?? null })
  log(`${data}: ${set.format.toUpperCase()} data, split ${set.split}: ${set.images.length} images`)
  for (const notice of set.notices ?? []) log(notice)
  for (const fault of set.faults) log(formatFault(fault))
  if (set.images.length === 0) throw new DataError(`${data}: no images in split ${set.split}`)
  const signal = interruption()
  const progress = startProgress({ label: "eval", total: set.images.length })
  try {
    const onImage = (done: number) => progress.update(done)
    const { perImage, failed } = await detectDataset(detector, set.images, config, { signal, onImage })
    for (const { file, message } of failed) progress.line(`${file}: ${message}`)
    signal.throwIfAborted()
    return evaluateDetections(set, perImage, options)
  } finally {
    progress.stop()
    parameters.dispose()
  }
}
