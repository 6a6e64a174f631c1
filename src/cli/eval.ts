import type { z } from "zod"
import { UsageError } from "../core/errors.js"
import type { EvalReport, Metric } from "../eval/report.js"
import { flagName } from "../tasks/option.js"
import { compareResultsSchema } from "../tasks/options/compare.js"
import { lookOf } from "../tasks/options/detect.js"
import { evalSchema, scorePredictionsSchema } from "../tasks/options/evaluate.js"
import { defineCommand, outcomeOf } from "./command.js"
import { commandWords } from "./command-words.js"
import { evalDocument, formatReport } from "./eval-report.js"
import { BelowMinimumError } from "./exit.js"
import { nextLine, word } from "./next-command.js"
import type { Terminal } from "./terminal.js"

type EvalOptions = z.output<typeof evalSchema>

/** Runs a detector and scores it, or scores saved predictions. */
export const command = defineCommand({
  schema: evalSchema,
  async run(options, { hooks }) {
    const place = placeOf(options)
    const task =
      options.weights === undefined ? ofPredictions(place, options, hooks) : ofDetector(place, options, hooks)
    const { result: report, failure = tooLow(report, options) } = await outcomeOf(task)
    const summary = [nextLine(nextOf(report, options, place))]
    return { text: formatReport(report), summary, document: evalDocument(report), failure }
  },
})

/** What is scored against: --gt and --data mean the same, and a command's data are a path. */
function placeOf({ gt, data }: EvalOptions): string | undefined {
  if (gt !== undefined && data !== undefined) {
    throw new UsageError("eval: --gt and --data are both what is scored against; give one of them")
  }
  return gt ?? (data as string | undefined)
}

function nextOf({ bestThreshold }: EvalReport, options: EvalOptions, place: string | undefined): string {
  const { weights } = options
  if (weights === undefined) {
    const both = `compare ${word(options.predictions!)} <other predictions>`
    return commandWords(both, compareResultsSchema, { ...options, gt: place })
  }
  const score = bestThreshold === undefined ? "" : ` --score ${Number(bestThreshold.score.toPrecision(3))}`
  return `detect --weights ${word(weights)} --source <pictures>${score}`
}

async function ofPredictions(
  gt: string | undefined,
  { weights, data, engine, precision, minMap, ...options }: EvalOptions,
  hooks: Terminal["hooks"],
): Promise<EvalReport> {
  const { score: _, ...look } = options
  const [idle] = Object.keys(lookOf(look))
  if (idle !== undefined) {
    throw new UsageError(`eval: --${flagName(idle)} is an option of a detector: it needs --weights`)
  }
  if (options.savePredictions !== undefined) {
    throw new UsageError("eval: --save-predictions writes what a detector finds: it needs --weights")
  }
  const { predictions } = options
  if (gt === undefined || predictions === undefined) {
    throw new UsageError("eval needs --weights, or --gt with --predictions")
  }
  const { scorePredictions } = await import("../tasks/score-predictions.js")
  const scored = Object.keys(scorePredictionsSchema.shape) as (keyof typeof scorePredictionsSchema.shape)[]
  const own = Object.fromEntries(scored.map((key) => [key, options[key]]))
  return scorePredictions({ ...own, gt, predictions }, hooks)
}

async function ofDetector(
  data: string | undefined,
  { gt, predictions, boxes, categories, imageIds, classAgnostic, minMap, weights, ...options }: EvalOptions,
  hooks: Terminal["hooks"],
): Promise<EvalReport> {
  const ofSaved = { predictions, boxes, categories, imageIds, classAgnostic: classAgnostic || undefined }
  const [idle] = Object.entries(ofSaved).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (idle !== undefined) {
    throw new UsageError(`eval: --${flagName(idle)} is for saved predictions; --weights makes its own`)
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
