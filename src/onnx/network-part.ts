import type { GraphPart } from "./cut-graph.js"
import { boundSpecs } from "./detector-bounds.js"
import type { TensorSpec } from "./model.js"

/** Values within a detector's graph that have names of their own, for whoever resizes images himself. */
export const networkSpecs = {
  /** A normalised image, padded with 0 to multiples of 32. */
  pixels: { name: "input_pixels", type: "float32", shape: [1, 3, "input_height", "input_width"] },
  /** int64: height and width of the image inside it. */
  size: { name: "input_size", type: "int64", shape: [2] },
  /** The detections' boxes, in input pixels. */
  boxes: { name: "input_boxes", type: "float32", shape: ["detections", 4] },
} as const satisfies Record<string, TensorSpec>

/** What of a detector's graph is left when images are resized, and boxes scaled back, outside of it. */
export const networkPart: GraphPart = {
  inputs: [networkSpecs.pixels, networkSpecs.size, ...Object.values(boundSpecs)],
  outputs: [
    networkSpecs.boxes,
    { name: "labels", type: "int64", shape: ["detections"] },
    { name: "scores", type: "float32", shape: ["detections"] },
  ],
}
