import { readFileSync } from "node:fs"
import { z } from "zod"
import { DataError, UsageError } from "../../core/errors.js"
import { bootstrapDefaults } from "../../eval/bootstrap.js"
import { type AreaRange, cocoDefaults } from "../../eval/coco-options.js"
import type { OpenImagesHierarchy } from "../../eval/open-images.js"
import { metricNames, type ReportOptions, reportDefaults } from "../../eval/report.js"
import { slicesByFolder, slicesBySize, slicesFromFile } from "../../eval/slices.js"
import { option } from "../option.js"
import { lookShape } from "./detect.js"
import {
  detectEngine,
  files,
  howRead,
  imagesFolder,
  offline,
  ownBackbone,
  precision,
  scoredBoxData,
  scoredSplit,
  textBoxes,
  weightsSplit,
} from "./shared.js"

/** What is measured, and how it is told. */
const reportShape = {
  metrics: option(z.array(z.enum(metricNames)).default([...reportDefaults.metrics]), {
    help: "metrics to compute, comma-separated; lvis where the data are LVIS's anyway",
    value: "names",
  }),
  score: option(z.number().min(0).max(1).optional(), {
    help: "score threshold of the confusion matrix; lower scores still count for AP",
    value: "0..1",
    otherwise: "the best",
  }),
  vocIou: option(z.array(z.number().min(0).max(1)).optional(), {
    help: "IoU thresholds of VOC's AP",
    value: "values",
    otherwise: "0.5",
  }),
  hierarchy: option(z.string().optional(), {
    help: "Open Images' class hierarchy (JSON): a box counts for the classes above its own",
    path: "single",
  }),
  truthIdZero: option(z.enum(["mended", "pycocotools"]).optional(), {
    help: "how a COCO ground truth with id 0 counts; pycocotools never matches it",
    otherwise: "mended",
  }),
  maxDets: option(z.array(z.int().min(1)).min(1).optional(), {
    help: "how many of the best detections of an image and class count in COCO's figures, ascending",
    value: "numbers",
    otherwise: "1,10,100",
    source: "pycocotools Params.maxDets",
  }),
  iouThrs: option(z.array(z.number().min(0).max(1)).min(1).optional(), {
    help: "IoU thresholds of COCO's figures, ascending",
    value: "values",
    otherwise: "0.5,0.55,...,0.95",
    source: "pycocotools Params.iouThrs",
  }),
  areaRanges: option(z.array(z.string()).min(1).optional(), {
    help: "areas of COCO's small, medium and large objects in square pixels, as in small:0:1024",
    value: "ranges",
    otherwise: "small:0:1024,medium:1024:9216,large:9216:1e10",
    source: "pycocotools Params.areaRng",
  }),
  details: option(z.boolean().default(reportDefaults.details), {
    help: "confusion matrix, error types, best and worst images, diagnosis; without them it is quicker",
  }),
  intervals: option(z.int().min(1).optional(), {
    help: "95 % confidence intervals of AP and AP50, by bootstrap over the images",
    value: "samples",
    bare: bootstrapDefaults.samples,
    source: 'Efron and Tibshirani 1993 "An Introduction to the Bootstrap": 1,000 samples or more for percentiles',
  }),
  slice: option(z.string().optional(), {
    help: "metrics of subsets of the images: by size, by folder, or as named in a JSON file",
    value: "size|folder|file",
  }),
  calibration: option(z.boolean().optional(), { help: "measure calibration: how far scores differ from precision" }),
  fBeta: option(z.array(z.number().positive()).min(1).optional(), {
    help: "best score thresholds by F-beta too, overall and per class: 2 weighs recall higher, 0.5 precision",
    value: "betas",
  }),
  suspects: option(z.int().min(1).optional(), {
    help: "list the N most suspicious labels",
    bare: 100,
  }),
  report: option(z.string().optional(), {
    help: "also write one HTML file with figures, curves and pictures of what was right and wrong",
    value: "file",
    path: "single",
    written: true,
  }),
}

/** The options of `eval` with a detector. */
export const evaluateDetectorSchema = z.strictObject({
  weights: option(files(), {
    help: "a trained detector (.safetensors or .onnx) or its run's folder, several as an ensemble, or coco: torchvision's, fetched once",
    value: "files",
    path: "single",
    repeated: true,
  }),
  data: scoredBoxData("data to evaluate on: VOC, COCO or YOLO"),
  split: weightsSplit(),
  images: imagesFolder,
  ...howRead,
  singleClass: option(z.boolean().default(false), {
    help: "all objects are of one class: that of a detector which was trained with --single-class",
  }),
  ...reportShape,
  ...lookShape,
  savePredictions: option(z.string().optional(), {
    help: "also write what was found as COCO results, which --gt with --predictions scores again",
    value: "file",
    path: "single",
    written: true,
  }),
  engine: detectEngine,
  precision,
  offline: offline(),
  backbone: ownBackbone(),
})

/** Which part of saved predictions is scored. */
const subsetShape = {
  categories: option(z.array(z.string()).min(1).optional(), {
    help: "score these classes only, by name or id (with --gt)",
    value: "names",
  }),
  imageIds: option(z.array(z.string()).min(1).optional(), {
    help: "score these images only, by id or name (with --gt)",
    value: "ids",
  }),
  classAgnostic: option(z.boolean().default(false), {
    help: "score boxes whatever their class (with --gt)",
    source: "pycocotools Params.useCats = 0",
  }),
}

/** The options of `eval` with saved predictions. */
export const scorePredictionsSchema = z.strictObject({
  gt: option(z.string(), { help: "ground truth: a COCO file, or a data set's folder", path: "single" }),
  predictions: option(z.string(), {
    help: "saved predictions: COCO results, JSON lines or CSV, a folder of VOC, YOLO or text files, what detect wrote, or - for stdin",
    path: "single",
  }),
  split: scoredSplit,
  images: imagesFolder,
  ...howRead,
  boxes: textBoxes,
  ...subsetShape,
  ...reportShape,
})

/** What the `eval` command takes: the options of either task; `--data` and `--gt` mean the same there. */
export const evalSchema = evaluateDetectorSchema.partial({ weights: true }).extend({
  data: scoredBoxData("data to evaluate on: VOC, COCO or YOLO; the same as --gt"),
  ...scorePredictionsSchema
    .pick({ gt: true, predictions: true, boxes: true, categories: true, imageIds: true, classAgnostic: true })
    .partial().shape,
  minMap: option(z.number().min(0).max(1).optional(), {
    help: "exit 4 if mAP, that of the first of --metrics, is below this",
    value: "0..1",
  }),
})

/** As checked, with its defaults. */
export type ScoringOptions = z.output<typeof scorePredictionsSchema>

export type EvaluateDetectorOptions = z.input<typeof evaluateDetectorSchema>
export type ScorePredictionsOptions = z.input<typeof scorePredictionsSchema>

/** How many examples of each type of error a report with pictures shows. @source ours: a row or two on a wide screen */
const EXAMPLES = 8

/** The report's options among a task's. @throws UsageError for a report without details */
export function reportOptionsOf({
  metrics,
  score,
  vocIou,
  hierarchy,
  truthIdZero,
  maxDets,
  iouThrs,
  areaRanges,
  details,
  intervals,
  slice,
  calibration,
  fBeta,
  suspects,
  report,
}: Pick<ScoringOptions, keyof typeof reportShape>): Partial<ReportOptions> {
  if (report !== undefined && !details) throw new UsageError("--report shows the details: leave out --no-details")
  return {
    metrics,
    details,
    ...(report === undefined ? {} : { examples: EXAMPLES }),
    coco: {
      ...(maxDets && { maxDetections: maxDets }),
      ...(iouThrs && { iouThresholds: iouThrs }),
      ...(areaRanges && { areaRanges: areaRangesOf(areaRanges) }),
    },
    ...(score === undefined ? {} : { scoreThreshold: score }),
    ...(vocIou === undefined ? {} : { vocIouThresholds: vocIou }),
    ...(hierarchy === undefined ? {} : { hierarchy: readHierarchy(hierarchy, metrics) }),
    ...(truthIdZero === undefined ? {} : { truthIdZero }),
    ...(intervals === undefined ? {} : { intervals: { samples: intervals } }),
    ...(slice === undefined ? {} : { slices: slicesOf(slice) }),
    ...(calibration ? { calibration } : {}),
    ...(fBeta === undefined ? {} : { fBeta }),
    ...(suspects === undefined ? {} : { suspects }),
  }
}

/** "all", and the ranges given; the usual ones for names that are not. */
function areaRangesOf(given: readonly string[]): readonly AreaRange[] {
  const ranges = given.map((text) => {
    const [name = "", from, to, ...more] = text.split(":")
    const range = { name, from: Number(from), to: Number(to) }
    if (more.length === 0 && name !== "" && range.from >= 0 && range.to > range.from) return range
    throw new UsageError(`--area-ranges: expected name:from:to in square pixels, as in small:0:1024, got "${text}"`)
  })
  const named = new Set(ranges.map(({ name }) => name))
  return [...cocoDefaults.areaRanges.filter(({ name }) => !named.has(name)), ...ranges]
}

function slicesOf(slice: string): NonNullable<ReportOptions["slices"]> {
  if (slice === "size") return slicesBySize
  if (slice === "folder") return slicesByFolder
  return (truths) => slicesFromFile(truths, readJson(slice, "--slice", "size, folder or a JSON file"), slice)
}

const hierarchySchema: z.ZodType<OpenImagesHierarchy> = z.lazy(() =>
  z.looseObject({ LabelName: z.string(), Subcategory: z.array(hierarchySchema).optional() }),
)

function readHierarchy(file: string, metrics: readonly string[]): OpenImagesHierarchy {
  if (!metrics.includes("openimages")) throw new UsageError("--hierarchy goes with --metrics openimages")
  const { data, error } = hierarchySchema.safeParse(readJson(file, "--hierarchy", "a JSON file"))
  if (data !== undefined) return data
  const { path, message } = error.issues[0]!
  throw new DataError(`--hierarchy ${file}: ${path.join(".") || "the top"}: ${message}`)
}

function readJson(path: string, flag: string, expected: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    throw new DataError(`${flag} ${path}: expected ${expected}: ${(error as Error).message}`)
  }
}
