import { readFileSync } from "node:fs"
import { z } from "zod"
import { bootstrapDefaults } from "../../eval/bootstrap.js"
import { type Metric, type ReportOptions, reportDefaults } from "../../eval/report.js"
import { slicesByFolder, slicesBySize, slicesFromFile } from "../../eval/slices.js"
import { DataError } from "../../tensor/errors.js"
import { option } from "../option.js"
import { lookShape } from "./detect.js"
import { boxData, detectEngine, files, imagesFolder, ownBackbone, scoredSplit } from "./shared.js"

/** What is measured, and how it is told. */
const reportShape = {
  metrics: option(
    z.array(z.enum(reportDefaults.metrics as [Metric, ...Metric[]])).default([...reportDefaults.metrics]),
    {
      help: "which figures; several with commas",
      value: "names",
    },
  ),
  score: option(z.number().min(0).max(1).optional(), {
    help: "threshold of the confusion matrix; detections scored lower count all the same",
    value: "0..1",
    otherwise: "the best",
  }),
  vocIou: option(z.array(z.number().min(0).max(1)).optional(), {
    help: "IoU thresholds at which VOC's AP is measured",
    value: "values",
    otherwise: "0.5",
  }),
  truthIdZero: option(z.enum(["mended", "pycocotools"]).optional(), {
    help: "pycocotools never finds a COCO ground truth with id 0",
    otherwise: "mended",
  }),
  intervals: option(z.int().min(1).optional(), {
    help: "95 % intervals of AP and AP50, by drawing the images anew so many times",
    value: "samples",
    bare: bootstrapDefaults.samples,
    source: 'Efron and Tibshirani 1993 "An Introduction to the Bootstrap": 1,000 samples or more for percentiles',
  }),
  slice: option(z.string().optional(), {
    help: "figures of subsets of the images: by size, by folder, or as a JSON file names them",
    value: "size|folder|file",
  }),
  calibration: option(z.boolean().optional(), { help: "whether scores mean what they say" }),
  suspects: option(z.int().min(1).optional(), {
    help: "list so many suspected label errors, the most suspicious first",
    bare: 100,
  }),
}

/** The options of `eval` with a detector. */
export const evaluateDetectorSchema = z.strictObject({
  weights: option(files(), {
    help: "a trained detector (.safetensors or .onnx) to run and score, or several that work as one",
    value: "files",
    path: "single",
    repeated: true,
  }),
  data: boxData("what it is scored on: VOC, COCO or YOLO data"),
  split: scoredSplit,
  images: imagesFolder,
  ...reportShape,
  ...lookShape,
  engine: detectEngine,
  backbone: ownBackbone(),
})

/** The options of `eval` with saved predictions. */
export const scorePredictionsSchema = z.strictObject({
  gt: option(z.string(), { help: "ground truth: a COCO file, or a data set's folder", path: "single" }),
  predictions: option(z.string(), {
    help: "saved predictions: a COCO results file, or a folder of VOC or YOLO files",
    path: "single",
  }),
  split: scoredSplit,
  images: imagesFolder,
  ...reportShape,
})

/** What the `eval` command takes: the options of either task. */
export const evalSchema = evaluateDetectorSchema.partial({ weights: true, data: true }).extend({
  ...scorePredictionsSchema.pick({ gt: true, predictions: true }).partial().shape,
  minMap: option(z.number().min(0).max(1).optional(), {
    help: "exit 4 if mAP is below: that of the first of --metrics",
    value: "0..1",
  }),
})

export type EvaluateDetectorOptions = z.input<typeof evaluateDetectorSchema>
export type ScorePredictionsOptions = z.input<typeof scorePredictionsSchema>

/** The report's options among a task's. */
export function reportOptionsOf({
  metrics,
  score,
  vocIou,
  truthIdZero,
  intervals,
  slice,
  calibration,
  suspects,
}: Pick<z.output<typeof scorePredictionsSchema>, keyof typeof reportShape>): Partial<ReportOptions> {
  return {
    metrics,
    ...(score === undefined ? {} : { scoreThreshold: score }),
    ...(vocIou === undefined ? {} : { vocIouThresholds: vocIou }),
    ...(truthIdZero === undefined ? {} : { truthIdZero }),
    ...(intervals === undefined ? {} : { intervals: { samples: intervals } }),
    ...(slice === undefined ? {} : { slices: slicesOf(slice) }),
    ...(calibration ? { calibration } : {}),
    ...(suspects === undefined ? {} : { suspects }),
  }
}

function slicesOf(slice: string): NonNullable<ReportOptions["slices"]> {
  if (slice === "size") return slicesBySize
  if (slice === "folder") return slicesByFolder
  return (truths) => slicesFromFile(truths, readJson(slice), slice)
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    throw new DataError(`--slice ${path}: expected size, folder or a JSON file: ${(error as Error).message}`)
  }
}
