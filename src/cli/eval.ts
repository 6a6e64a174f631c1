import type { Command } from "commander"
import type { DetectOptions } from "../detector/detect-options.js"
import type { ReportOptions } from "../eval/report.js"
import type { LoadOptions } from "../predict/detector-loader.js"
import { UsageError } from "../tensor/errors.js"
import { addDetectFlags, detectOptionsOf } from "./detect-flags.js"
import { addFurtherFlags, type FurtherFlags, furtherOptions } from "./eval-further.js"
import { detectEngineFlag, fractionFlag, listFlag } from "./flags.js"
import { log, print, writeJson } from "./report.js"

interface EvalFlags extends Omit<DetectOptions, "score">, FurtherFlags {
  readonly weights?: readonly string[]
  readonly data?: string
  readonly gt?: string
  readonly predictions?: string
  readonly split?: string
  readonly images?: string
  readonly metrics?: string[]
  /** Of the confusion matrix; detections scored lower count all the same. */
  readonly score?: number
  readonly vocIou?: number[]
  readonly truthIdZero?: string
  readonly json?: string
  readonly engine?: LoadOptions["engine"]
}

/** The `eval` command: runs a detector and scores it, or scores saved predictions. */
export function configure(command: Command): void {
  command
    .option(
      "--weights <files...>",
      "a trained detector (.safetensors or .onnx) to run and score, or several that work as one",
    )
    .option("--data <path>", "what it is scored on: VOC, COCO or YOLO data")
    .option("--gt <path>", "instead: truths (a COCO file, or a data set's folder)")
    .option("--predictions <path>", "and saved predictions: a COCO results file, or a folder of VOC or YOLO files")
    .option("--split <name>", "which part of the data (default: val); a COCO file is one part")
    .option("--images <folder>", "where a COCO file's images are, if not beside it")
    .option("--metrics <names>", "coco, voc07, voc12; several with commas (default: all)", listFlag)
    .option("--score <0..1>", "threshold of the confusion matrix (default: the best)", fractionFlag)
    .option("--voc-iou <values>", "overlaps at which VOC's AP is measured (default: 0.5)", fractionsFlag)
    .option("--truth-id-zero <how>", "mended (default), or pycocotools: a COCO truth with id 0 is never found")
    .option("--json <file>", "write the figures as JSON to a file, or to stdout with -")
    .addOption(detectEngineFlag())
  addFurtherFlags(command)
  addDetectFlags(command).action((flags: EvalFlags) => evaluate(flags))
}

async function evaluate(flags: EvalFlags): Promise<void> {
  const { evalDocument, formatReport } = await import("./eval-report.js")
  const report = flags.weights === undefined ? await ofPredictions(flags) : await ofDetector(flags)
  if (flags.json !== undefined) writeJson(evalDocument(report), flags.json)
  if (flags.json !== "-") print(formatReport(report))
}

async function ofPredictions(flags: EvalFlags) {
  const { data, gt, predictions, split = "val", images } = flags
  if (data !== undefined)
    throw new UsageError("eval: --data goes with --weights; saved predictions are scored with --gt")
  const [idle] = Object.keys(detectWishes(flags))
  if (idle !== undefined) {
    const flag = idle.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new UsageError(`eval: --${flag} says how a detector looks at images; it goes with --weights`)
  }
  if (gt === undefined || predictions === undefined) {
    throw new UsageError("eval: expected --weights with --data, or --gt with --predictions")
  }
  const { evaluatePredictions } = await import("./eval-predictions.js")
  return evaluatePredictions({
    ...(await reportWishes(flags)),
    gt,
    predictions,
    split,
    readDataset: async (path) => {
      const { readDataset } = await import("../../datasets/read.js")
      return readDataset(path, { split, images: images ?? null })
    },
  })
}

async function ofDetector(flags: EvalFlags) {
  const { weights, data, gt, predictions } = flags
  if (gt !== undefined || predictions !== undefined) {
    throw new UsageError("eval: --weights goes with --data; leave out --gt and --predictions")
  }
  if (data === undefined) throw new UsageError("eval: expected --data beside --weights")
  const { evaluateWeights } = await import("./eval-weights.js")
  const detect = detectWishes(flags)
  return evaluateWeights({ ...flags, weights: weights!, data, detect }, await reportWishes(flags), log)
}

/** How the detector looks at images; `--score` is the report's. */
function detectWishes({ score: _, ...flags }: EvalFlags): DetectOptions {
  return detectOptionsOf(flags)
}

/** The report's options that flags were given for. */
async function reportWishes(flags: EvalFlags): Promise<Partial<ReportOptions>> {
  const { metrics, score, vocIou, truthIdZero } = flags
  const { checkMetrics } = await import("./eval-predictions.js")
  if (truthIdZero !== undefined && truthIdZero !== "mended" && truthIdZero !== "pycocotools") {
    throw new UsageError(`eval: expected --truth-id-zero to be mended or pycocotools, got "${truthIdZero}"`)
  }
  return {
    ...furtherOptions(flags),
    ...(metrics === undefined ? {} : { metrics: checkMetrics(metrics) }),
    ...(score === undefined ? {} : { scoreThreshold: score }),
    ...(vocIou === undefined ? {} : { vocIouThresholds: vocIou }),
    ...(truthIdZero === undefined ? {} : { truthIdZero }),
  }
}

function fractionsFlag(text: string): number[] {
  return listFlag(text).map(fractionFlag)
}
