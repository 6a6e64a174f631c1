import { z } from "zod"
import { option } from "../option.js"
import { strideIn } from "./shared.js"

const channels = z.tuple([z.number(), z.number(), z.number()])
const positives = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()])

const source = "torchvision's transforms presets; detectron2 config/defaults.py: PIXEL_MEAN, PIXEL_STD"

export const importWeightsSchema = z.strictObject({
  file: option(z.string(), {
    help: "a .pth, .pt, .th, .pkl or .safetensors file; nothing in it is executed",
    value: "file",
    path: "single",
  }),
  model: option(z.string(), {
    help: "the model to import it as, such as resnet50 or fasterrcnn_resnet50_fpn",
    value: "name",
  }),
  out: option(z.string(), {
    help: "the .safetensors file to write",
    value: "file",
    path: "single",
    written: true,
  }),
  key: option(z.string().optional(), {
    help: "which table of tensors to take of a checkpoint that has several, such as model_ema",
    value: "name",
    otherwise: "the network's own, before averages of it and teachers",
  }),
  classes: option(z.union([z.string(), z.array(z.string())]).optional(), {
    help: "a file of class names, one a line",
    value: "file",
    path: "single",
    otherwise: "COCO's for a detector of as many, else numbers",
  }),
  mean: option(channels.optional(), {
    help: "mean of red, green and blue in 0..1 that it was trained with",
    value: "r,g,b",
    otherwise: "what the file says or its kind has, else ImageNet's",
    source,
  }),
  std: option(positives.optional(), {
    help: "the same for the standard deviation",
    value: "r,g,b",
    otherwise: "as the mean",
    source,
    formerly: ["deviation"],
  }),
  allowMissing: option(z.boolean().default(false), {
    help: "import what fits of an incomplete file, to start training from",
  }),
  strideIn,
  zeros: option(z.enum(["after", "both"]).optional(), {
    help: "where a CIFAR network's shortcuts have their zero channels",
    otherwise: "what the file says, both for one with a last layer named linear, else after",
  }),
})

export type ImportWeightsOptions = z.input<typeof importWeightsSchema>
