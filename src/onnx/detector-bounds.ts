import type { TensorSpec } from "./model.js"
import type { SuppressionBounds } from "./suppression.js"

/** Bounds of a detector's last suppression, see `SelectOptions`. */
export interface DetectorBounds {
  readonly score: number
  readonly nmsThreshold: number
  readonly maxDetections: number
}

/** The same as tensors: constants of a detector's graph by these names, or inputs of it. */
export const boundSpecs = {
  above: { name: "score_threshold", type: "float32", shape: [1] },
  overlap: { name: "nms_threshold", type: "float32", shape: [1] },
  limit: { name: "max_detections", type: "int64", shape: [1] },
} as const satisfies Record<keyof SuppressionBounds, TensorSpec>
