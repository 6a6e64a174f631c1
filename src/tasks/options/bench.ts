import { z } from "zod"
import { precisions } from "../../engine/names.js"
import { option } from "../option.js"
import { engine, shorterSide } from "./shared.js"

export const benchSchema = z.strictObject({
  model: option(z.string().default("fasterrcnn_resnet50_fpn"), { help: "which detector", value: "name" }),
  weights: option(z.string().optional(), {
    help: "the detector of a weights file instead, as it was trained",
    value: "file",
    path: "single",
  }),
  size: option(shorterSide().optional(), {
    help: "shorter side of the images",
    unit: "pixels",
    otherwise: "800, or that of --weights",
  }),
  batch: option(z.int().min(1).default(1), { help: "batch size of a training step", unit: "images" }),
  steps: option(z.int().min(1).default(5), {
    help: "number of training steps and detections to measure, after three for warm-up",
    unit: "steps",
  }),
  engine,
  precision: option(z.enum(precisions).default("float32"), { help: "what detection computes in; training is float32" }),
})

export type BenchOptions = z.input<typeof benchSchema>
