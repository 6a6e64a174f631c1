import { roiCoderWeights } from "../boxes/coder.js"
import { clip, decode, haveSide } from "./box-arithmetic.js"
import { boundSpecs, type DetectorBounds } from "./detector-bounds.js"
import type { Graph, Value } from "./graph.js"
import { networkSpecs } from "./network-part.js"
import { add, best, cast, divide, gather, reshape, slice, squeeze, transpose, unsqueeze } from "./operations.js"
import { type SuppressionBounds, suppressed } from "./suppression.js"

/** What is said of R regions, in their order. */
export interface RegionOutputs {
  /** `[R, 4]` in input pixels. */
  readonly regions: Value
  /** `[R, K + 1]`, the background first. */
  readonly logits: Value
  /** `[R, 4 (K + 1)]`. */
  readonly deltas: Value
}

/** The bounds as constants of the graph. */
export function selectBounds(graph: Graph, { score, nmsThreshold, maxDetections }: DetectorBounds): SuppressionBounds {
  return {
    above: graph.named(boundSpecs.above.name, { shape: [1], values: Float32Array.of(score) }),
    overlap: graph.named(boundSpecs.overlap.name, { shape: [1], values: Float32Array.of(nmsThreshold) }),
    limit: graph.named(boundSpecs.limit.name, { shape: [1], values: BigInt64Array.of(BigInt(maxDetections)) }),
  }
}

/**
 * The graph's outputs: detections as `postprocessDetections` finds them, best first, D of them, D may be 0. They have
 * torchvision's names and frame: `boxes` `[D, 4]` in image pixels, `labels` int64 `[D]` 1..K, `scores` `[D]`.
 * @param limit `[4]` width, height, width, height of the image in input pixels
 * @param scale float64 `[4]`: input pixels = image pixels * scale
 */
export function detections(
  graph: Graph,
  { regions, logits, deltas }: RegionOutputs,
  {
    limit,
    scale,
    bounds,
    numLabels,
    minSide,
  }: {
    readonly limit: Value
    readonly scale: Value
    readonly bounds: SuppressionBounds
    /** K + 1. */
    readonly numLabels: number
    readonly minSide: number
  },
): void {
  const foreground = (perLabel: Value) => slice(graph, perLabel, 1, 1, numLabels)
  const scores = foreground(graph.node("Softmax", [logits], { axis: 1 }))
  const moves = foreground(reshape(graph, deltas, 0, numLabels, 4))
  const boxes = clip(graph, decode(graph, moves, unsqueeze(graph, regions, 1), roiCoderWeights), limit)
  const large = squeeze(graph, haveSide(graph, boxes, minSide), 2)
  const masked = graph.node("Where", [large, scores, graph.real(-1)])
  const [boxesByClass, scoresByClass] = [transpose(graph, boxes, 1, 0, 2), transpose(graph, masked, 1, 0)]
  const kept = suppressed(graph, boxesByClass, unsqueeze(graph, scoresByClass, 1), bounds)
  const [group, place] = [0, 2].map((column) => gather(graph, kept, graph.integers(column), 1))
  const places = graph.node("Concat", [group!, place!], { axis: 1 })
  const top = best(graph, graph.node("GatherND", [scoresByClass, places]), bounds.limit)
  const chosen = graph.alias(
    gather(graph, graph.node("GatherND", [boxesByClass, places]), top.indices),
    networkSpecs.boxes.name,
  )
  const label = add(graph, squeeze(graph, gather(graph, group!, top.indices), 1), graph.integer(1))
  // In float64, so that a box that ends at the border ends there in the image's pixels too.
  const inImage = divide(graph, cast(graph, chosen, "float64"), scale)
  graph.output(cast(graph, inImage, "float32"), { name: "boxes", type: "float32", shape: ["detections", 4] })
  graph.output(label, { name: "labels", type: "int64", shape: ["detections"] })
  graph.output(top.scores, { name: "scores", type: "float32", shape: ["detections"] })
}
