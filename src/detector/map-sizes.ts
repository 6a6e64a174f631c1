import { pyramidLevels, pyramidStride } from "../backbone/fpn.js"
import { isPyramid, type ModelConfig } from "./model.js"

type Size = readonly [height: number, width: number]

/**
 * The sizes of a detector's feature maps, finest first, without running it: every halving rounds up.
 * @param input `[height, width]` of the padded input
 */
export function mapSizes({ model, options }: Pick<ModelConfig, "model" | "options">, input: Size): Size[] {
  const strides = isPyramid(model)
    ? Array.from({ length: pyramidLevels }, (_, l) => pyramidStride * 2 ** l)
    : [options.anchors.stride]
  return strides.map((stride) => [Math.ceil(input[0] / stride), Math.ceil(input[1] / stride)])
}
