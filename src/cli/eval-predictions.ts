import { readdir, stat } from "node:fs/promises"
import { readCocoDetections, readCocoTruths } from "../eval/coco-stream.js"
import { readBytes } from "../eval/read-bytes.js"
import { readTextFiles } from "../eval/read-files.js"
import { type TruthSet, truthsFromDataset } from "../eval/records.js"
import { type EvalReport, evaluate, type Metric, type ReportOptions, reportDefaults } from "../eval/report.js"
import type { DetectionTable, TruthTable } from "../eval/tables.js"
import { detectionsFromVoc } from "../eval/voc-files.js"
import { detectionsFromYolo } from "../eval/yolo-files.js"
import { DataError, UsageError } from "../tensor/errors.js"
import { didYouMean } from "../tensor/suggest.js"

export interface EvaluatePredictionsOptions extends Partial<Omit<ReportOptions, "metrics">> {
  /** COCO's annotation file, or the folder of a data set that `readDataset` reads. */
  readonly gt: string
  /** Which split of the data set. */
  readonly split?: string
  /** COCO's results file, a folder of VOC's `comp3|comp4_det_*_<class>.txt`, or one of YOLO's `<image>.txt`. */
  readonly predictions: string
  /** Some of coco, voc07, voc12. */
  readonly metrics?: readonly string[]
  /** Reads truths that are no COCO file. */
  readonly readDataset?: (path: string, split: string | undefined) => Promise<TruthSet> | TruthSet
}

/**
 * Scores saved predictions; loads no engine.
 * @throws UsageError for an unknown metric
 * @throws DataError for files that are not there or broken, naming file and record
 */
export async function evaluatePredictions(options: EvaluatePredictionsOptions): Promise<EvalReport> {
  const { gt, split, predictions, metrics = reportDefaults.metrics, readDataset, ...rest } = options
  const known = checkMetrics(metrics)
  const truths = await readTruths(gt, split, readDataset)
  return evaluate(truths, await readPredictions(truths, predictions), { ...rest, metrics: known })
}

/** @throws UsageError for a name that is no metric */
export function checkMetrics(metrics: readonly string[]): Metric[] {
  const known = reportDefaults.metrics as readonly string[]
  for (const metric of metrics) {
    if (!known.includes(metric)) {
      throw new UsageError(
        `--metrics: unknown metric "${metric}".${didYouMean(metric, known)} Known: ${known.join(", ")}`,
      )
    }
  }
  return [...metrics] as Metric[]
}

/** Ground truth from a COCO file, or from a data set by `readDataset`. */
export async function readTruths(
  gt: string,
  split: string | undefined,
  readDataset: EvaluatePredictionsOptions["readDataset"],
): Promise<TruthTable> {
  if (gt.toLowerCase().endsWith(".json")) return readCocoTruths(readBytes(gt), gt)
  await found(gt)
  if (!readDataset) throw new UsageError(`${gt}: expected COCO's annotation file (.json)`)
  return truthsFromDataset(await readDataset(gt, split))
}

/** Detections from a results file or folder; its format is told by what is there. */
export async function readPredictions(truths: TruthTable, path: string): Promise<DetectionTable> {
  if (!(await found(path)).isDirectory()) return readCocoDetections(truths, readBytes(path), path)
  const names = await readdir(path)
  const isVoc = names.some((name) => /^comp[34]_det_.+\.txt$/.test(name))
  if (isVoc) return detectionsFromVoc(truths, await readTextFiles(path, /^comp[34]_det_.+\.txt$/, "result files"))
  const expected = "VOC's comp4_det_<set>_<class>.txt or YOLO's <image>.txt"
  return detectionsFromYolo(truths, await readTextFiles(path, /^(?!classes\.txt$|labels\.txt$).+\.txt$/, expected))
}

async function found(path: string) {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`${path}: expected a file or folder, got ${error.code ?? error.message}`)
  })
}
