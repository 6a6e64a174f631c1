import type { ModelConfig } from "../detector/model.js"
import { imageNet, type Normalisation } from "../tensor/normalisation.js"
import type { Weight } from "./torchvision.js"

/** The order in which a network's first filters take colours. */
export type Colors = "rgb" | "bgr"

/** What a foreign file's network was trained on, as far as its kind tells; nothing in the weights themselves does. */
export interface Origin extends Pick<ModelConfig, "input" | "strideIn"> {
  readonly name: "torchvision" | "detectron2"
  readonly colors: Colors
}

/** @source torchvision's weights: RGB, ImageNet's mean and std, stride in the 3x3 */
export const torchvisionOrigin: Origin = { name: "torchvision", colors: "rgb", input: imageNet, strideIn: "3x3" }

/** Values 0..255 less ImageNet's mean. @source detectron2 config/defaults.py: PIXEL_MEAN, PIXEL_STD */
const withoutStd: Normalisation = { mean: imageNet.mean, std: [1 / 255, 1 / 255, 1 / 255] }

/**
 * @source detectron2 config/defaults.py: BGR, no std, STRIDE_IN_1X1, for the MSRA backbones and the models from
 * them; tools/convert-torchvision-to-d2.py names torchvision as the author of backbones that are otherwise
 */
export const detectron2Origin = (author: string | undefined): Origin =>
  author === "torchvision"
    ? { ...torchvisionOrigin, name: "detectron2" }
    : { name: "detectron2", colors: "bgr", input: withoutStd, strideIn: "1x1" }

/** Whether a tensor holds a ResNet's first filters, by the names of a backbone or of a detector. */
export const isFirstFilter = (name: string): boolean => /^(module\.)?(backbone\.(body\.)?)?conv1\.weight$/.test(name)

/** Filters `[out, 3, kh, kw]` with their colours the other way round. */
export function turnedColors({ shape, values }: Weight): Weight {
  const area = shape[2]! * shape[3]!
  const turned = new Float32Array(values.length)
  for (let plane = 0; plane < values.length / area; plane++) {
    const from = plane + 2 - 2 * (plane % 3)
    turned.set(values.subarray(from * area, (from + 1) * area), plane * area)
  }
  return { shape, values: turned }
}
