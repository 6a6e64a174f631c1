import { readdir, stat } from "node:fs/promises"
import type { z } from "zod"
import { DataError } from "../core/errors.js"
import { readCocoDetections, readCocoTruths } from "../eval/coco-stream.js"
import { readTextFiles } from "../eval/read-files.js"
import { truthsFromDataset } from "../eval/records.js"
import { type EvalReport, evaluate } from "../eval/report.js"
import type { DetectionTable, TruthTable } from "../eval/tables.js"
import { detectionsFromVoc } from "../eval/voc-files.js"
import { detectionsFromYolo } from "../eval/yolo-files.js"
import { readBytes } from "../json/read-bytes.js"
import { parseOptions } from "./config.js"
import { reportOptionsOf, type ScorePredictionsOptions, scorePredictionsSchema } from "./options/evaluate.js"

/**
 * Scores saved predictions; loads no engine.
 * @throws DataError for files that are not there or broken, naming file and record
 */
export async function scorePredictions(given: ScorePredictionsOptions): Promise<EvalReport> {
  const options = parseOptions("scorePredictions", scorePredictionsSchema, given)
  const truths = await readTruths(options)
  return evaluate(truths, await readPredictions(truths, options.predictions), reportOptionsOf(options))
}

/** Ground truth from a COCO file, or from a data set's folder. */
export async function readTruths({
  gt,
  split,
  images,
}: Pick<z.output<typeof scorePredictionsSchema>, "gt" | "split" | "images">): Promise<TruthTable> {
  if (gt.toLowerCase().endsWith(".json")) return readCocoTruths(readBytes(gt), gt)
  await found(gt)
  // Readers of data sets take longer to load than most files of results to be scored.
  const { readDataset } = await import("../../datasets/read.js")
  return truthsFromDataset(await readDataset(gt, { split, images: images ?? null }))
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
