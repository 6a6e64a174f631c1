import { shown } from "../core/shown.js"
import { formatSummaryLine } from "../eval/coco-lines.js"
import { cocoDefaults } from "../eval/coco-options.js"
import { type CocoSummary, cocoNames } from "../eval/coco-summary.js"
import type { ImagenetDetResult } from "../eval/imagenet-det.js"
import type { LvisSummary } from "../eval/lvis.js"
import type { OpenImagesResult } from "../eval/open-images.js"
import type { CocoParameters, EvalReport } from "../eval/report.js"
import type { VocResult } from "../eval/voc.js"
import { alignColumns } from "./columns.js"
import { furtherDocument, furtherParagraphs } from "./eval-further.js"

/** What `eval --json` prints; figures 0..1 at full precision, null where there is nothing to measure. */
export interface EvalDocument {
  readonly images: number
  readonly truths: number
  readonly ignored: number
  readonly detections: number
  readonly coco?: CocoSummary
  readonly voc07?: VocDocument
  readonly voc12?: VocDocument
  /** ImageNet's detection task. */
  readonly "imagenet-det"?: Pick<VocDocument, "mAP" | "perClass">
  readonly perClass: readonly object[]
  readonly [more: string]: unknown
}

interface VocDocument {
  readonly mAP: number
  readonly iouThreshold: number
  readonly perClass: Readonly<Record<string, number>>
  /** With more than one overlap threshold: the others. */
  readonly others?: readonly Omit<VocDocument, "others">[]
}

/** Kind, IoU ("" for all thresholds), area and which of the limits of detections, of each of the 12 numbers. */
const SUMMARY_LINES = [
  ["AP", "", "all", -1],
  ["AP", "0.50", "all", -1],
  ["AP", "0.75", "all", -1],
  ["AP", "", "small", -1],
  ["AP", "", "medium", -1],
  ["AP", "", "large", -1],
  ["AR", "", "all", 0],
  ["AR", "", "all", 1],
  ["AR", "", "all", -1],
  ["AR", "", "small", -1],
  ["AR", "", "medium", -1],
  ["AR", "", "large", -1],
] as const

/** How many confusions and images the text names. */
const SHOWN = 5

/** The document of `eval --json`: serialise it with `JSON.stringify`, which writes NaN as null. */
export function evalDocument(report: EvalReport): EvalDocument {
  const vocDocument = (key: "voc07" | "voc12", result: VocResult) => ({
    mAP: result[key],
    iouThreshold: result.iouThreshold,
    perClass: Object.fromEntries(result.perClass.map((one) => [one.name, one[key]])),
  })
  const voc = (key: "voc07" | "voc12") => {
    const [first, ...others] = report.voc
    if (!first || !report.metrics.includes(key)) return {}
    const more = others.length === 0 ? {} : { others: others.map((other) => vocDocument(key, other)) }
    return { [key]: { ...vocDocument(key, first), ...more } }
  }
  const { images, truths, ignored, detections } = report
  return {
    images,
    truths,
    ignored,
    detections,
    ...(report.metrics.includes("coco") ? { coco: report.coco, cocoParameters: report.cocoParameters } : {}),
    ...(report.lvis ? { lvis: report.lvis } : {}),
    ...(report.openImages ? { openimages: report.openImages } : {}),
    ...voc("voc07"),
    ...voc("voc12"),
    ...(report.imagenetDet && { "imagenet-det": imagenetDetDocument(report.imagenetDet) }),
    perClass: report.perClass.map(({ bestThreshold, curve, ...one }) => ({
      ...one,
      bestThreshold: bestThreshold ?? null,
      curve,
    })),
    bestThreshold: report.bestThreshold ?? null,
    curve: report.curve,
    confusion: report.confusion ?? null,
    errors: report.errors ?? null,
    bestImages: report.bestImages ?? null,
    worstImages: report.worstImages ?? null,
    diagnosis: report.diagnosis,
    ...furtherDocument(report),
  }
}

const imagenetDetDocument = ({ mAP, perClass }: ImagenetDetResult) => ({
  mAP,
  perClass: Object.fromEntries(perClass.map(({ name, AP }) => [name, AP])),
})

/** The report as a person reads it: pycocotools' 12 lines, VOC's means, the per-class table, errors and diagnosis. */
export function formatReport(report: EvalReport): string {
  const parts = [`${report.images} images, ${report.truths} ground-truth boxes, ${report.detections} detections`]
  if (report.ignored > 0) parts[0] += ` (${report.ignored} boxes are crowds or difficult objects and count neither way)`
  if (report.metrics.includes("coco")) parts.push(formatSummary(report.coco, report.cocoParameters))
  if (report.lvis) parts.push(formatLvis(report.lvis))
  if (report.openImages) parts.push(formatOpenImages(report.openImages))
  const voc = formatVoc(report)
  if (voc !== "") parts.push(voc)
  if (report.imagenetDet)
    parts.push(`ImageNet DET         mAP ${percent(report.imagenetDet.mAP)}  (IoU 0.5, less for small boxes)`)
  parts.push(formatClasses(report))
  const best = report.bestThreshold
  if (best) {
    parts.push(
      `Best score threshold ${best.score.toFixed(3)}: precision ${percent(best.precision)}, recall ${percent(best.recall)}, F1 ${percent(best.f1)} (IoU 0.5, all classes)`,
    )
  }
  if (report.errors) parts.push(formatErrors(report))
  const confused = formatConfusion(report)
  if (confused !== "") parts.push(confused)
  if (report.worstImages) parts.push(formatImages(report))
  parts.push(...furtherParagraphs(report))
  for (const { message } of report.diagnosis) parts.push(`! ${message}`)
  return `${parts.join("\n\n")}\n`
}

/** pycocotools' 12 lines, -1.000 where there is nothing to measure. */
export function formatSummary(
  coco: CocoSummary,
  { iouThresholds, maxDetections }: Pick<CocoParameters, "iouThresholds" | "maxDetections"> = cocoDefaults,
): string {
  const all = `${iouThresholds[0]!.toFixed(2)}:${iouThresholds.at(-1)!.toFixed(2)}`
  return SUMMARY_LINES.map(([kind, iou, area, limit], i) => {
    const value = coco[cocoNames[i]!]
    const maxDets = maxDetections.at(Math.min(limit, maxDetections.length - 1))!
    return formatSummaryLine({ kind, iou: iou || all, area, maxDets, value: Number.isNaN(value) ? -1 : value })
  }).join("\n")
}

function formatLvis(lvis: LvisSummary): string {
  const figures = Object.entries(lvis).map(([name, value]) => `${name} ${percent(value)}`)
  return `LVIS (300 detections an image): ${figures.join("  ")}`
}

/** The mean, and the classes that have truths. */
function formatOpenImages({ mAP, perClass }: OpenImagesResult): string {
  const measured = perClass.filter(({ truths }) => truths > 0)
  const rows = measured.map(({ name, truths, AP }) => [name, String(truths), percent(AP)])
  const table = alignColumns([["class", "boxes", "AP"], ...rows])
  return [`Open Images Challenge (IoU 0.5): mAP ${percent(mAP)}`, ...table].join("\n")
}

function formatVoc(report: EvalReport): string {
  const wanted = (["voc07", "voc12"] as const).filter((key) => report.metrics.includes(key))
  const names = { voc07: "VOC2007 (11 points)", voc12: "VOC2012 (all points)" }
  return report.voc
    .flatMap((result) =>
      wanted.map((key) => `${names[key].padEnd(20)} mAP ${percent(result[key])}  (IoU ${result.iouThreshold})`),
    )
    .join("\n")
}

function formatClasses(report: EvalReport): string {
  const coco = ["AP", "AP50", "AP75", "AR"] as const
  const voc = (["voc07", "voc12"] as const).filter((key) => report.voc.length > 0 && report.metrics.includes(key))
  const rows = report.perClass.map((one, k) => [
    one.name,
    String(one.truths),
    String(one.detections),
    ...coco.map((key) => percent(one[key])),
    ...voc.map((key) => percent(report.voc[0]!.perClass[k]![key])),
    one.bestThreshold ? one.bestThreshold.score.toFixed(3) : "n/a",
  ])
  return alignColumns([["class", "ground truth", "detections", ...coco, ...voc, "best score"], ...rows]).join("\n")
}

function formatErrors(report: EvalReport): string {
  const { gain, count } = report.errors!
  const rows = (Object.keys(gain) as (keyof typeof gain)[]).map((name) => [
    name,
    String(count[name]),
    (gain[name] * 100).toFixed(1),
  ])
  return alignColumns([["error type", "count", "AP50 points lost"], ...rows]).join("\n")
}

/** The pairs of classes that are taken for one another most. */
function formatConfusion({ confusion }: EvalReport): string {
  if (!confusion) return ""
  const { names, counts, scoreThreshold, iouThreshold } = confusion
  const pairs = counts
    .slice(0, -1)
    .flatMap((row, truth) =>
      row.slice(0, -1).flatMap((count, taken) => (count > 0 && taken !== truth ? [{ truth, taken, count }] : [])),
    )
  if (pairs.length === 0) return ""
  const most = pairs.sort((a, b) => b.count - a.count).slice(0, SHOWN)
  const lines = most.map(
    ({ truth, taken, count }) => `  ${shown(names[truth]!)} taken for ${shown(names[taken]!)}: ${count}`,
  )
  return [
    `Most confused, from score ${scoreThreshold.toFixed(3)} on, IoU ${iouThreshold} (whole matrix: --json):`,
    ...lines,
  ].join("\n")
}

function formatImages({ worstImages }: EvalReport): string {
  const lines = worstImages!
    .filter(({ f1 }) => f1 < 1)
    .slice(0, SHOWN)
    .map(({ name, f1, right, wrong, missed }) => {
      return `  ${shown(name)}: F1 ${percent(f1)} (${right} right, ${wrong} wrong, ${missed} missed)`
    })
  return lines.length === 0 ? "No image has an error." : ["Worst images:", ...lines].join("\n")
}

/** 0..1 as 0..100 with one decimal. */
function percent(value: number): string {
  return Number.isNaN(value) ? "n/a" : (value * 100).toFixed(1)
}
