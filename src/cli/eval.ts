import type { z } from "zod"
import { UsageError } from "../core/errors.js"
import type { EvalReport, Metric } from "../eval/report.js"
import { flagName } from "../tasks/option.js"
import { lookOf } from "../tasks/options/detect.js"
import { evalSchema, scorePredictionsSchema } from "../tasks/options/evaluate.js"
import { defineCommand, outcomeOf } from "./command.js"
import { evalDocument, formatReport } from "./eval-report.js"
import { BelowMinimumError } from "./exit.js"
import { nextLine, word } from "./next-command.js"
import type { Terminal } from "./terminal.js"

type EvalOptions = z.output<typeof evalSchema>

/** Runs a detector and scores it, or scores saved predictions. */
export const command = defineCommand({
  schema: evalSchema,
  async run(options, { hooks }) {
    const task = options.weights === undefined ? ofPredictions(options, hooks) : ofDetector(options, hooks)
    const { result: report, failure = tooLow(report, options) } = await outcomeOf(task)
    const summary = [nextLine(nextOf(report, options))]
    return { text: formatReport(report), summary, document: evalDocument(report), failure }
  },
})

function nextOf({ bestThreshold }: EvalReport, { weights, gt, predictions }: EvalOptions): string {
  if (weights === undefined) return `compare ${word(predictions!)} <other predictions> --gt ${word(gt!)}`
  const score = bestThreshold === undefined ? "" : ` --score ${Number(bestThreshold.score.toPrecision(3))}`
  return `detect --weights ${word(weights)} --source <pictures>${score}`
}

async function ofPredictions(
  { weights, data, engine, precision, minMap, ...options }: EvalOptions,
  hooks: Terminal["hooks"],
): Promise<EvalReport> {
  if (data !== undefined) {
    throw new UsageError("eval: --data goes with --weights; saved predictions are scored with --gt")
  }
  const { score: _, ...look } = options
  const [idle] = Object.keys(lookOf(look))
  if (idle !== undefined) {
    throw new UsageError(`eval: --${flagName(idle)} is an option of a detector: it needs --weights`)
  }
  if (options.savePredictions !== undefined) {
    throw new UsageError("eval: --save-predictions writes what a detector finds: it needs --weights")
  }
  const { gt, predictions } = options
  if (gt === undefined || predictions === undefined) {
    throw new UsageError("eval needs --weights, or --gt with --predictions")
  }
  const { scorePredictions } = await import("../tasks/score-predictions.js")
  const scored = Object.keys(scorePredictionsSchema.shape) as (keyof typeof scorePredictionsSchema.shape)[]
  const own = Object.fromEntries(scored.map((key) => [key, options[key]]))
  return scorePredictions({ ...own, gt, predictions }, hooks)
}

async function ofDetector(
  { gt, predictions, boxes, categories, imageIds, classAgnostic, minMap, weights, data, ...options }: EvalOptions,
  hooks: Terminal["hooks"],
): Promise<EvalReport> {
  const ofSaved = { gt, predictions, boxes, categories, imageIds, classAgnostic: classAgnostic || undefined }
  const [idle] = Object.entries(ofSaved).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (idle !== undefined) {
    throw new UsageError(`eval: --weights goes with --data; --${flagName(idle)} is for saved predictions`)
  }
  const { evaluateDetector } = await import("../tasks/evaluate-detector.js")
  return evaluateDetector({ ...options, weights: weights!, data }, hooks)
}

function tooLow(report: EvalReport, { metrics: [first], minMap }: EvalOptions): BelowMinimumError | undefined {
  const value = mapOf(report, first)
  if (minMap === undefined || (value !== undefined && value >= minMap)) return undefined
  return new BelowMinimumError(`${first ?? "coco"}'s mAP, ${value ?? "n/a"}, is below --min-map ${minMap}`)
}

/** The mean AP of a metric; COCO's where none was asked for. */
function mapOf(report: EvalReport, metric: Metric = "coco"): number | undefined {
  const { coco, voc, imagenetDet, lvis, openImages } = report
  const values: Record<Metric, number | undefined> = {
    coco: coco.AP,
    voc07: voc[0]?.voc07,
    voc12: voc[0]?.voc12,
    "imagenet-det": imagenetDet?.mAP,
    lvis: lvis?.AP,
    openimages: openImages?.mAP,
  }
  return values[metric]
}
