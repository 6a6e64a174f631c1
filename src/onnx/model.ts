/** Numbers that stand in a graph, in C order. */
export interface TensorData {
  /** `[]` is a single number. */
  readonly shape: readonly number[]
  readonly values: Float32Array | Float64Array | BigInt64Array
}

export type ElementType = "float32" | "float64" | "int64"

/** A tensor that goes into a graph or comes out of it; a side that is told by a word may have any length. */
export interface TensorSpec {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly (number | string)[]
}

/** A number stands for ONNX's integer; a real one says so. */
export type Attribute = number | readonly number[] | string | { readonly real: number }

/** One operation: what it reads and what it gives are values by their names. */
export interface OnnxNode {
  readonly op: string
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** A whole ONNX model, nodes in an order in which each finds its inputs made. */
export interface OnnxModel {
  readonly name: string
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly constants: ReadonlyMap<string, TensorData>
  readonly nodes: readonly OnnxNode[]
  /** Texts about the model, for whoever opens the file. */
  readonly metadata: Readonly<Record<string, string>>
}

/** @source ONNX 1.11: the first opset whose RoiAlign knows half pixels, and the format's version of that time */
export const onnxVersions = { opset: 16, format: 8 } as const
