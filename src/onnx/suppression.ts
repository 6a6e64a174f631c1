import type { Graph, Value } from "./graph.js"

/** Bounds of a non-maximum suppression, `[1]` each. */
export interface SuppressionBounds {
  /** int64: how many boxes of a group are kept. */
  readonly limit: Value
  /** float32: the IoU above which the lower-scored box goes. */
  readonly overlap: Value
  /** float32: only what is scored above this takes part. */
  readonly above: Value
}

/**
 * Non-maximum suppression in each of G groups by itself, see `nms`. ONNX calls a box by its corners y1, x1, y2, x2; which
 * axis comes first makes no difference.
 * @param boxes `[G, R, 4]`
 * @param scores `[G, 1, R]`
 * @returns int64 `[S, 3]`: group, 0, box; group by group, in each best first
 */
export function suppressed(
  graph: Graph,
  boxes: Value,
  scores: Value,
  { limit, overlap, above }: SuppressionBounds,
): Value {
  return graph.node("NonMaxSuppression", [boxes, scores, limit, overlap, above])
}
