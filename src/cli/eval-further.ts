import { shown } from "../core/shown.js"
import type { BestThreshold } from "../eval/best-threshold.js"
import type { Interval } from "../eval/bootstrap.js"
import type { FBetaThresholds } from "../eval/calibration.js"
import type { EvalReport } from "../eval/report.js"
import { suspectLine } from "./suspect-lines.js"

/** How many suspects the text names. */
const SHOWN = 10

/** The parts of the JSON document that were asked for. */
export function furtherDocument({ intervals, slices, calibration, fBeta, suspects, perClass }: EvalReport): object {
  return {
    ...(intervals && { intervals }),
    ...(slices && { slices }),
    ...(calibration && { calibration }),
    ...(fBeta && { fBeta: fBeta.map((one) => fBetaDocument(one, perClass)) }),
    ...(suspects && { suspects }),
  }
}

/** The paragraphs of the text that were asked for. */
export function furtherParagraphs({ intervals, slices, calibration, fBeta, suspects }: EvalReport): string[] {
  const paragraphs: string[][] = []
  if (intervals) {
    const line = (name: string, { value, low, high }: Interval) =>
      `${name} ${points(value)}, ${Math.round(intervals.options.confidence * 100)} % interval ${points(low)} to ${points(high)}`
    paragraphs.push([line("AP", intervals.AP), line("AP50", intervals.AP50)])
  }
  if (slices) {
    const rows = slices.map(
      ({ name, images, truths, coco }) =>
        `  ${shown(name)}: AP ${points(coco.AP)}, AP50 ${points(coco.AP50)} (${images} images, ${truths} objects)`,
    )
    paragraphs.push(["Slices:", ...rows])
  }
  if (calibration) {
    const rows = calibration.bins
      .filter(({ detections }) => detections > 0)
      .map((bin) => {
        const range = `${bin.from.toFixed(1)} to ${bin.to.toFixed(1)}`
        return `  score ${range}: mean ${points(bin.confidence)}, right ${points(bin.precision)} (${bin.detections} detections)`
      })
    paragraphs.push([`Calibration error ${points(calibration.ece)} (IoU 0.5):`, ...rows])
  }
  if (fBeta) {
    const rows = fBeta.map(({ beta, overall }) => {
      if (!overall) return `  F${beta}: nothing is right at any threshold`
      const { score, precision, recall, f1 } = overall
      return `  F${beta} ${points(f1)}: score ${score.toFixed(3)}, precision ${points(precision)}, recall ${points(recall)}`
    })
    paragraphs.push(["Best score thresholds by F-beta (IoU 0.5, all classes):", ...rows])
  }
  if (suspects) {
    const rows = suspects.slice(0, SHOWN).map((one) => `  ${suspectLine(one)}`)
    paragraphs.push([`${suspects.length} suspected label errors, most suspicious first (all: --json):`, ...rows])
  }
  return paragraphs.map((lines) => lines.join("\n"))
}

function fBetaDocument({ beta, overall, perClass }: FBetaThresholds, classes: EvalReport["perClass"]): object {
  const threshold = (one: BestThreshold | undefined) => {
    if (!one) return null
    const { score, precision, recall, f1 } = one
    return { score, precision, recall, fBeta: f1 }
  }
  const named = perClass.map((one, k) => ({ name: classes[k]!.name, bestThreshold: threshold(one) }))
  return { beta, overall: threshold(overall), perClass: named }
}

/** 0..1 as 0..100 with one decimal. */
function points(value: number): string {
  return Number.isNaN(value) ? "n/a" : (value * 100).toFixed(1)
}
