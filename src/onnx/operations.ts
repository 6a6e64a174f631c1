import type { Graph, Value } from "./graph.js"
import type { ElementType } from "./model.js"
import { elementTypes } from "./model-format.js"

// ONNX's operations under short names, for formulas.

export const add = (graph: Graph, a: Value, b: Value): Value => graph.node("Add", [a, b])
export const subtract = (graph: Graph, a: Value, b: Value): Value => graph.node("Sub", [a, b])
export const multiply = (graph: Graph, a: Value, b: Value): Value => graph.node("Mul", [a, b])
/** Of int64 rounded towards 0. */
export const divide = (graph: Graph, a: Value, b: Value): Value => graph.node("Div", [a, b])
export const least = (graph: Graph, a: Value, b: Value): Value => graph.node("Min", [a, b])
export const most = (graph: Graph, a: Value, b: Value): Value => graph.node("Max", [a, b])

/** The lengths of a value's sides, int64 `[rank]`. */
export const shapeOf = (graph: Graph, value: Value): Value => graph.node("Shape", [value])

export function cast(graph: Graph, value: Value, type: ElementType): Value {
  // By example: tools that make a model's numbers 16 bits wide change constants, and leave what Cast says as it is.
  if (type === "float32") return graph.node("CastLike", [value, graph.real(0)])
  return graph.node("Cast", [value], { to: elementTypes[type] })
}

/** Rows `indices` of an axis; an index `[]` takes the axis away. */
export function gather(graph: Graph, value: Value, indices: Value, axis = 0): Value {
  return graph.node("Gather", [value, indices], { axis })
}

/** From `from` up to `to` of an axis; Infinity is its end. */
export function slice(graph: Graph, value: Value, axis: number, from: number, to: number): Value {
  const end = to === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : to
  return graph.node("Slice", [value, graph.integers(from), graph.integers(end), graph.integers(axis)])
}

export function concat(graph: Graph, values: readonly Value[], axis: number): Value {
  return values.length === 1 ? values[0]! : graph.node("Concat", values, { axis })
}

/** The same numbers with sides put in by length 1. */
export function unsqueeze(graph: Graph, value: Value, ...axes: readonly number[]): Value {
  return graph.node("Unsqueeze", [value, graph.integers(...axes)])
}

export function squeeze(graph: Graph, value: Value, axis: number): Value {
  return graph.node("Squeeze", [value, graph.integers(axis)])
}

/** @param shape 0 keeps a side's length, -1 takes what is left (which fails where there is nothing) */
export function reshape(graph: Graph, value: Value, ...shape: readonly number[]): Value {
  return graph.node("Reshape", [value, graph.integers(...shape)])
}

export function transpose(graph: Graph, value: Value, ...perm: readonly number[]): Value {
  return graph.node("Transpose", [value], { perm })
}

/**
 * The best of `scores` `[n]`, best first; of equal ones the earlier.
 * @param count int64 `[1]`, at most n are taken
 * @returns their scores and int64 indices
 */
export function best(graph: Graph, scores: Value, count: Value): { scores: Value; indices: Value } {
  const taken = least(graph, shapeOf(graph, scores), count)
  const [values, indices] = graph.nodes("TopK", [scores, taken], 2, { axis: 0 })
  return { scores: values!, indices: indices! }
}
