import type * as tf from "@tensorflow/tfjs-core"
import { atLeastOne, oneOf, trueOrFalse, wholeNumber, withDefaults } from "../core/options.js"
import { type RoiAlignOptions, roiAlign } from "./align.js"
import { roiPool } from "./pool.js"

/** How regions become squares of bins. */
export interface PoolingOptions extends RoiAlignOptions {
  /** `align`: RoIAlign. `pool`: RoI pooling by largest values, to which the other options but `size` mean nothing. */
  readonly operator: "align" | "pool"
}

/** @source torchvision `MultiScaleRoIAlign(output_size=7, sampling_ratio=2)`, aligned false */
export const poolingDefaults: PoolingOptions = { operator: "align", size: 7, samplingRatio: 2, aligned: false }

/** @throws UsageError for an unknown option or a value out of range */
export const poolingOptions = (overrides: Partial<PoolingOptions> = {}): PoolingOptions =>
  withDefaults("detector.align", poolingDefaults, overrides, {
    operator: oneOf("align", "pool"),
    size: atLeastOne,
    samplingRatio: wholeNumber,
    aligned: trueOrFalse,
  })

/** Pools the regions of one map as the options say; see `roiAlign` and `roiPool`. */
export function poolRegions(
  features: tf.Tensor4D,
  boxes: Float32Array,
  images: Int32Array,
  stride: number,
  options: PoolingOptions,
): tf.Tensor4D {
  return options.operator === "pool"
    ? roiPool(features, boxes, images, stride, options.size)
    : roiAlign(features, boxes, images, stride, options)
}
