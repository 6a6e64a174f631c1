import { z } from "zod"
import { option } from "../option.js"
import { strideIn } from "./shared.js"

const sides = "a side in pixels, or height x width as in 600x800"

const side = z.int().min(1)

const size = z.union([side, z.string().regex(/^[1-9]\d*x[1-9]\d*$/, sides), z.tuple([side, side])], sides)

export const describeModelSchema = z.strictObject({
  model: option(z.string(), {
    help: "a model such as resnet50 or fasterrcnn_resnet18_c4, or a .safetensors or .onnx file",
    value: "model-or-file",
  }),
  size: option(size.optional(), {
    help: `input size: ${sides}`,
    unit: "pixels",
    otherwise: "the model's usual one",
  }),
  classes: option(z.int().min(1).optional(), {
    help: "number of classes",
    otherwise: "those of ImageNet, CIFAR-10 or COCO",
  }),
  strideIn,
})

export type DescribeModelOptions = z.input<typeof describeModelSchema>
