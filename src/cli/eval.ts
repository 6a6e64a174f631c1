import type { Command } from "commander"
import { UsageError } from "../tensor/errors.js"
import { engineFlag, fractionFlag, listFlag } from "./flags.js"
import { log, print, writeJson } from "./report.js"

interface EvalFlags {
  readonly weights?: string
  readonly data?: string
  readonly gt?: string
  readonly predictions?: string
  readonly split?: string
  readonly images?: string
  readonly metrics?: string[]
  readonly score?: number
  readonly json?: string
  readonly engine?: "tensorflow" | "wasm" | "auto"
}

/** The `eval` command: runs a detector and scores it, or scores saved predictions. */
export function configure(command: Command): void {
  command
    .option("--weights <file>", "a trained detector to run and score")
    .option("--data <path>", "what it is scored on: VOC, COCO or YOLO data")
    .option("--gt <path>", "instead: truths (a COCO file, or a data set's folder)")
    .option("--predictions <path>", "and saved predictions: a COCO results file, or a folder of VOC or YOLO files")
    .option("--split <name>", "which part of the data (default: val with --weights)")
    .option("--images <folder>", "where a COCO file's images are, if not beside it")
    .option("--metrics <names>", "coco, voc07, voc12; several with commas (default: all)", listFlag)
    .option("--score <0..1>", "threshold of the confusion matrix (default: the best)", fractionFlag)
    .option("--json <file>", "write the figures as JSON to a file, or to stdout with -")
    .addOption(engineFlag())
    .action((flags: EvalFlags) => evaluate(flags))
}

async function evaluate(flags: EvalFlags): Promise<void> {
  const { evalDocument, formatReport } = await import("./eval-report.js")
  const report = flags.weights === undefined ? await ofPredictions(flags) : await ofDetector(flags)
  if (flags.json !== undefined) writeJson(evalDocument(report), flags.json)
  if (flags.json !== "-") print(formatReport(report))
}

async function ofPredictions({ data, gt, predictions, split, images, metrics, score }: EvalFlags) {
  if (data !== undefined)
    throw new UsageError("eval: --data goes with --weights; saved predictions are scored with --gt")
  if (gt === undefined || predictions === undefined) {
    throw new UsageError("eval: expected --weights with --data, or --gt with --predictions")
  }
  const { evaluatePredictions } = await import("./eval-predictions.js")
  return evaluatePredictions({
    gt,
    predictions,
    ...(split === undefined ? {} : { split }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(score === undefined ? {} : { scoreThreshold: score }),
    readDataset: async (path, part) => {
      const { readDataset } = await import("../../datasets/read.js")
      return readDataset(path, { ...(part === undefined ? {} : { split: part }), images: images ?? null })
    },
  })
}

async function ofDetector(flags: EvalFlags) {
  const { weights, data, gt, predictions, metrics, score } = flags
  if (gt !== undefined || predictions !== undefined) {
    throw new UsageError("eval: --weights goes with --data; leave out --gt and --predictions")
  }
  if (data === undefined) throw new UsageError("eval: expected --data beside --weights")
  const [{ checkMetrics }, { evaluateWeights }] = await Promise.all([
    import("./eval-predictions.js"),
    import("./eval-weights.js"),
  ])
  const options = {
    ...(metrics === undefined ? {} : { metrics: checkMetrics(metrics) }),
    ...(score === undefined ? {} : { scoreThreshold: score }),
  }
  return evaluateWeights({ ...flags, weights: weights!, data }, options, log)
}
