import { z } from "zod"
import { type DetectOptions, detectRules } from "../../detector/detect-options.js"
import { option } from "../option.js"
import { byRule, detectEngine, files, outFolder } from "./shared.js"

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
    help: "soft NMS: score boxes that overlap better ones lower instead of leaving them out",
  }),
  vote: option(z.boolean().optional(), { help: "box voting: move each box to the mean of those around it" }),
  refine: option(z.boolean().optional(), { help: "run the head again on the boxes that were found" }),
  flip: option(z.boolean().optional(), { help: "look at the mirror image too" }),
  scales: option(byRule(z.array(z.number()), detectRules.scales).optional(), {
    help: "look at regions at several sizes, as in 400,500,600",
    unit: "sides",
  }),
  tiles: option(byRule(z.number(), detectRules.tiles).optional(), {
    help: "look at tiles of this side too: small objects in large photos",
    unit: "pixels",
  }),
  overlap: option(byRule(z.number(), detectRules.overlap).optional(), {
    help: "least share of a tile that its neighbour shows too",
    value: "0..0.9",
    otherwise: "0.2",
  }),
}

/** The options of `detect`, and their defaults. */
export const detectSchema = z.strictObject({
  weights: option(files(), {
    help: "a trained detector (.safetensors or .onnx), or several that work as one",
    value: "files",
    path: "single",
    repeated: true,
  }),
  source: option(z.string(), {
    help: "an image, a folder, a pattern in quotes, or a list file (.txt)",
    path: "single",
  }),
  out: outFolder("runs/detect/detectN"),
  score: option(z.number().min(0).max(1).default(0.5), {
    help: "leave out detections scored lower",
    value: "0..1",
    source: "detectron2 demo/demo.py: --confidence-threshold 0.5",
  }),
  format: option(z.array(z.string()).default(["jsonl"]), {
    help: "coco, voc, yolo, csv, jsonl; several with commas",
    value: "names",
  }),
  draw: option(z.boolean().default(true), { help: "write no pictures" }),
  crops: option(z.boolean().default(false), { help: "write each detection as a picture of its own" }),
  ...lookShape,
  engine: detectEngine,
})

export type DetectFolderOptions = z.input<typeof detectSchema>

/** Those of a task's options that say how a detector looks at an image. */
export function lookOf(
  given: { readonly [Name in keyof DetectOptions]?: DetectOptions[Name] | undefined },
): DetectOptions {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => Object.hasOwn(detectRules, name) && value !== undefined),
  )
}
