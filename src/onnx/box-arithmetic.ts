import { type CoderWeights, maxLogScale } from "../boxes/coder.js"
import type { Graph, Value } from "./graph.js"
import { add, concat, divide, least, most, multiply, slice, subtract } from "./operations.js"

// Boxes are `[..., 4]` x1, y1, x2, y2, float32, in input pixels.

/** See `decodeBoxes`; deltas and references may differ in sides of length 1. */
export function decode(graph: Graph, deltas: Value, references: Value, weights: CoderWeights): Value {
  const [low, high] = halves(graph, references)
  const [move, grow] = halves(graph, deltas)
  const size = subtract(graph, high, low)
  const half = graph.real(0.5)
  const moved = divide(graph, move, graph.reals([weights.x, weights.y]))
  const centre = add(graph, add(graph, low, multiply(graph, size, half)), multiply(graph, moved, size))
  const scale = divide(graph, grow, graph.reals([weights.width, weights.height]))
  const factor = graph.node("Exp", [least(graph, scale, graph.real(maxLogScale))])
  const reach = multiply(graph, multiply(graph, size, half), factor)
  return concat(graph, [subtract(graph, centre, reach), add(graph, centre, reach)], -1)
}

/** @param limit `[4]` width, height, width, height of the image */
export function clip(graph: Graph, boxes: Value, limit: Value): Value {
  return least(graph, most(graph, boxes, graph.real(0)), limit)
}

/** `[..., 1]` bool: whether both sides are at least `side`; NaN never is. */
export function haveSide(graph: Graph, boxes: Value, side: number): Value {
  const [width, height] = sides(graph, boxes)
  return graph.node("GreaterOrEqual", [least(graph, width, height), graph.real(side)])
}

/** Width and height, `[..., 1]` each: no reduction, which ONNX Runtime gets wrong where there are no boxes. */
export function sides(graph: Graph, boxes: Value): [width: Value, height: Value] {
  const [low, high] = halves(graph, boxes)
  const both = subtract(graph, high, low)
  return [slice(graph, both, -1, 0, 1), slice(graph, both, -1, 1, 2)]
}

/** The two corners, `[..., 2]` each. */
function halves(graph: Graph, boxes: Value): [low: Value, high: Value] {
  return [slice(graph, boxes, -1, 0, 2), slice(graph, boxes, -1, 2, 4)]
}
