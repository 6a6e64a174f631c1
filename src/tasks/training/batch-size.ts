import type { DetectionBatch } from "../../../datasets/loader/detection-loader.js"
import type { ModelConfig } from "../../detector/model.js"

/** Fewer regions than this an image are not worth lowering. @source the preset `light`: 64 */
const fewRegions = 64

/**
 * How large a detector's batch is, and what to lower first where it does not fit into memory: its images, whose step
 * `--accumulate` keeps as it is; then the regions, where conv5 runs on each of them; then the size.
 */
export function batchSize(
  { shape }: Pick<DetectionBatch, "shape">,
  { model, options }: Pick<ModelConfig, "model" | "options">,
): { readonly is: string; readonly lower: string } {
  const [images, height, width] = shape
  const regions = options.roi.sample.batchSizePerImage
  const is = `a batch of ${images} ${images === 1 ? "image" : "images"} of ${width}x${height} pixels and ${regions} regions each`
  if (images > 1) {
    const half = Math.floor(images / 2)
    return { is, lower: `--batch to ${half}, with --accumulate ${Math.ceil(images / half)} for the same steps` }
  }
  if (model.endsWith("_c4") && regions > fewRegions) {
    const fewer = Math.max(fewRegions, Math.floor(regions / 2))
    return { is, lower: `the regions: --set detector.roi.sample.batchSizePerImage=${fewer}` }
  }
  return { is, lower: `--size, now ${Math.min(height, width)}` }
}
