import type { Size } from "../core/shapes.js"
import { detectorSpec } from "./detector-spec.js"
import type { ModelConfig } from "./model.js"

/**
 * The sizes of a detector's feature maps, finest first, without running it: every halving rounds up.
 * @param input `[height, width]` of the padded input
 */
export function mapSizes(config: ModelConfig, input: Size): Size[] {
  const { strides } = detectorSpec(config).backbone
  return strides.map((stride) => [Math.ceil(input[0] / stride), Math.ceil(input[1] / stride)])
}
