import { z } from "zod"
import { type DetectOptions, detectRules } from "../../detector/detect-options.js"
import { option } from "../option.js"
import { byRule, detectEngine, files, offline, precision, submission, tilesShape } from "./shared.js"

/** How a detector looks at an image; the same wherever one runs. */
export const lookShape = {
  nms: option(byRule(z.number(), detectRules.nms).optional(), {
    help: "NMS IoU threshold",
    value: "0..1",
    otherwise: "the model's",
  }),
  maxDetections: option(byRule(z.number(), detectRules.maxDetections).optional(), {
    help: "maximum number of detections an image",
    otherwise: "the model's, 100",
  }),
  softNms: option(z.enum(["off", "linear", "gaussian"]).optional(), {
    help: "soft NMS: lower the scores of overlapping boxes instead of dropping them",
  }),
  agnosticNms: option(z.boolean().optional(), {
    help: "class-agnostic NMS: of overlapping boxes keep the best, whatever their classes",
    source: "torchvision, detectron2: class by class, which is the default; Ultralytics has the same flag",
  }),
  vote: option(z.boolean().optional(), { help: "box voting: move each box to the mean of those around it" }),
  refine: option(z.boolean().optional(), { help: "iterative refinement: run the head again on the boxes it found" }),
  flip: option(z.boolean().optional(), { help: "also detect on the mirrored image" }),
  scales: option(byRule(z.array(z.number()), detectRules.scales).optional(), {
    help: "multi-scale testing: shorter sides, as in 400,500,600",
    unit: "sides",
  }),
  fusion: option(z.enum(["nms", "wbf"]).optional(), {
    help: "what makes one list of several --weights, --scales and --flip: nms, or wbf, weighted boxes fusion (IoU 0.55, mean score)",
    otherwise: "nms, over regions that all look at together",
    source: "Solovyev et al. 2019 and their package ensemble-boxes: iou_thr 0.55, conf_type avg",
  }),
  ...tilesShape("also detect on tiles of this side, for small objects in large photos"),
}

/** The options of `detect`, and their defaults. */
export const detectSchema = z.strictObject({
  weights: option(files(), {
    help: "a trained detector (.safetensors or .onnx) or its run's folder, several as an ensemble, or coco: torchvision's, fetched once",
    value: "files",
    path: "single",
    repeated: true,
  }),
  source: option(z.string(), {
    help: "an image, its URL, a folder, a quoted glob, a list file (.txt), a tar archive, or - for either of these two from stdin; a video file, a stream (rtsp://...) or a camera (0, /dev/video0, on Windows video=<name>), by ffmpeg",
    path: "single",
  }),
  out: option(z.string().optional(), {
    help: "where results go; -: the lines of detections.jsonl go to stdout as images are done, and no file is written",
    value: "folder|-",
    path: "single",
    otherwise: "runs/detect/detectN",
  }),
  score: option(z.union([z.number().min(0).max(1), z.literal("best")], "a number from 0 to 1, or best").default(0.5), {
    help: "minimum score of a detection; best: that of the highest F1 in the validation of the weights",
    value: "0..1|best",
    source: "detectron2 demo/demo.py: --confidence-threshold 0.5",
  }),
  resume: option(z.boolean().default(false), {
    help: "go on with what a stopped or killed run of the same --out has begun, to the same bytes",
  }),
  shard: option(z.string().optional(), {
    help: "look at every n-th image only, from the i-th on (i counts from 0); resdet merge puts the shards together",
    value: "i/n",
  }),
  format: option(z.array(z.string()).default(["jsonl"]), {
    help: "result files beside detections.jsonl, comma-separated: coco, voc, yolo, csv, imagenet-det",
    value: "names",
  }),
  submission,
  gt: option(z.string().optional(), {
    help: "with --format coco or imagenet-det: a COCO file or a data set's folder whose image ids the results take, by the images' names",
    path: "single",
    otherwise: "the numbers in the images' names",
  }),
  data: option(z.string().optional(), {
    help: "the same as --gt, for data as train takes them",
    path: "joined",
  }),
  split: option(z.string().default("val"), { help: "with --gt or --data: which split of a data set", value: "name" }),
  fps: option(z.number().positive().optional(), {
    help: "of a video: how many frames of a second are looked at",
    unit: "frames",
    otherwise: "all",
  }),
  labels: option(z.enum(["voc", "yolo", "coco"]).optional(), {
    help: "also write a data set of the images with what was found as labels, to correct and to train on",
  }),
  below: option(z.number().min(0).max(1).optional(), {
    help: "also copy the images that the model is unsure of: with a detection scored below this, or without any",
    value: "0..1",
  }),
  draw: option(z.boolean().default(true), { help: "do not draw pictures" }),
  lineWidth: option(z.int().min(1).max(100).optional(), {
    help: "width of the lines in pictures",
    unit: "pixels",
    otherwise: "by the picture's size",
  }),
  hideLabels: option(z.boolean().default(false), { help: "draw boxes without their labels" }),
  hideScores: option(z.boolean().default(false), { help: "draw labels without their scores" }),
  crops: option(z.boolean().default(false), { help: "also save each detection as a cropped image" }),
  classes: option(z.array(z.string()).min(1).optional(), {
    help: "look for objects of these classes only, comma-separated: others neither suppress theirs nor count among --max-detections",
    value: "names",
  }),
  ...lookShape,
  engine: detectEngine,
  precision,
  offline: offline(),
})

export type DetectFolderOptions = z.input<typeof detectSchema>
/** As checked, with its defaults. */
export type CheckedDetectOptions = z.output<typeof detectSchema>

/** Those of a task's options that say how a detector looks at an image. */
export function lookOf(
  given: { readonly [Name in keyof DetectOptions]?: DetectOptions[Name] | undefined },
): DetectOptions {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => Object.hasOwn(detectRules, name) && value !== undefined),
  )
}
