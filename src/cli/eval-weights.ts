import { formatFault } from "../../datasets/faults.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { readDataset } from "../../datasets/read.js"
import type { DetectOptions } from "../detector/detect-options.js"
import { type EvalReport, evaluateDetections, type ReportOptions } from "../eval/report.js"
import { detectRecords } from "../predict/detect-records.js"
import type { LoadOptions } from "../predict/detector-loader.js"
import { openNetwork } from "../predict/open-network.js"
import { DataError } from "../tensor/errors.js"
import { interruption } from "./exit.js"
import { startProgress } from "./progress.js"
import { tellFaults } from "./training-run.js"

interface WeightsOptions {
  /** Of one detector, or of several that work as one. */
  readonly weights: readonly string[]
  readonly data: string
  readonly split?: string
  readonly images?: string
  readonly engine?: LoadOptions["engine"]
  readonly detect?: DetectOptions
}

/** Runs a detector over a data set and scores it. An image that cannot be read is told and counts as empty. */
export async function evaluateWeights(
  { weights, data, split = "val", images, engine = "auto", detect }: WeightsOptions,
  options: Partial<ReportOptions>,
  log: (line: string) => void,
): Promise<EvalReport> {
  const network = await openNetwork(weights, { engine, ...(detect === undefined ? {} : { detect }) })
  log(`engine: ${network.engine}`)
  const set = await readDataset(data, { split, classes: network.classes, images: images ?? null })
  log(`${data}: ${set.format.toUpperCase()} data, split ${set.split}: ${set.images.length} images`)
  for (const notice of set.notices ?? []) log(notice)
  for (const fault of set.faults) log(formatFault(fault))
  if (set.images.length === 0) throw new DataError(`${data}: no images in split ${set.split}`)
  const signal = interruption()
  const progress = startProgress({ label: "eval", total: set.images.length })
  try {
    const onImage = (done: number) => progress.update(done)
    const faults = new PhotoFaults(set.source)
    const { perImage } = await detectRecords(network, set.images, detect, { faults, signal, onImage })
    tellFaults(faults.faults, "resdet dataset check names them all", (line) => progress.line(line))
    signal.throwIfAborted()
    return evaluateDetections(set, perImage, options)
  } finally {
    progress.stop()
    network.dispose()
  }
}
