import { z } from "zod"
import { option } from "../option.js"
import { describedBackbone, engine } from "./shared.js"

const fraction = () => z.number().min(0).max(1).optional()

export const exportModelSchema = z.strictObject({
  weights: option(z.string(), { help: "a detector or a classifier (.safetensors)", value: "file", path: "single" }),
  format: option(z.enum(["onnx", "web"]).default("onnx"), {
    help: "an ONNX file, or a folder with a page that detects in the browser, for any web server (detectors)",
  }),
  out: option(z.string(), {
    help: "the .onnx file, or for web the folder, to write",
    value: "path",
    path: "single",
    written: true,
  }),
  score: option(fraction(), {
    help: "minimum score of a detection",
    value: "0..1",
    otherwise: "the model's",
  }),
  nms: option(fraction(), { help: "NMS IoU threshold", value: "0..1", otherwise: "the model's" }),
  check: option(z.boolean().default(true), { help: "do not compare the file's results with the model's" }),
  engine,
  backbone: describedBackbone,
})

export type ExportModelOptions = z.input<typeof exportModelSchema>
