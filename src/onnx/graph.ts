import type { Attribute, OnnxModel, OnnxNode, TensorData, TensorSpec } from "./model.js"

/** What a node gives or reads, by its name in the graph. */
export type Value = string

/** Gives a layer's numbers with PyTorch's axes, which are ONNX's too, by torchvision's name. */
export type WeightSource = (name: string) => { readonly shape: readonly number[]; readonly values: Float32Array }

/** An ONNX graph that is being put together, node by node. Shapes in comments are those of the values. */
export class Graph {
  readonly #weights: WeightSource
  readonly #nodes: OnnxNode[] = []
  readonly #constants = new Map<string, TensorData>()
  readonly #inputs: TensorSpec[] = []
  readonly #outputs: TensorSpec[] = []

  constructor(weights: WeightSource) {
    this.#weights = weights
  }

  input(spec: TensorSpec): Value {
    this.#inputs.push(spec)
    return spec.name
  }

  /** Hands a value out by a name of its own. */
  output(value: Value, spec: TensorSpec): void {
    this.alias(value, spec.name)
    this.#outputs.push(spec)
  }

  /** A value under a name of its own, by which it is found in the file. */
  alias(value: Value, name: string): Value {
    this.#nodes.push({ op: "Identity", inputs: [value], outputs: [name], attributes: {} })
    return name
  }

  node(op: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    return this.nodes(op, inputs, 1, attributes)[0]!
  }

  /** A node with several outputs. */
  nodes(op: string, inputs: readonly Value[], count: number, attributes: Readonly<Record<string, Attribute>> = {}) {
    const name = `${op}_${this.#nodes.length}`
    const outputs = Array.from({ length: count }, (_, i) => (i === 0 ? name : `${name}_${i}`))
    this.#nodes.push({ op, inputs, outputs, attributes })
    return outputs
  }

  /** A layer's weight or bias; asked for twice it stands in the graph once. */
  weight(name: string): Value {
    return this.once(name, () => this.#weights(name))
  }

  /** A layer's numbers, to be changed before they stand in the graph. */
  weights(name: string): ReturnType<WeightSource> {
    return this.#weights(name)
  }

  /** A constant under a name of its own, which is made when it is first asked for. */
  once(name: string, make: () => TensorData): Value {
    if (!this.#constants.has(name)) this.#constants.set(name, make())
    return name
  }

  /** A constant under a name of its own, which a caller may make an input. */
  named(name: string, tensor: TensorData): Value {
    this.#constants.set(name, tensor)
    return name
  }

  /** Whole numbers, int64: `[n]`. */
  integers(...values: readonly number[]): Value {
    return this.#constant({ shape: [values.length], values: BigInt64Array.from(values, BigInt) })
  }

  /** One whole number, int64: `[]`. */
  integer(value: number): Value {
    return this.#constant({ shape: [], values: BigInt64Array.of(BigInt(value)) })
  }

  /** Real numbers, float32, `[n]` unless a shape is given. */
  reals(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Value {
    return this.#constant({ shape, values: Float32Array.from(values) })
  }

  /** One real number, float32: `[]`. */
  real(value: number): Value {
    return this.reals([value], [])
  }

  /** One real number, float64: `[]`. */
  double(value: number): Value {
    return this.#constant({ shape: [], values: Float64Array.of(value) })
  }

  model(name: string, metadata: Readonly<Record<string, string>>): OnnxModel {
    return {
      name,
      inputs: this.#inputs,
      outputs: this.#outputs,
      constants: this.#constants,
      nodes: this.#nodes,
      metadata,
    }
  }

  #constant(tensor: TensorData): Value {
    return this.named(`constant_${this.#constants.size}`, tensor)
  }
}
