import type { LayerSpec } from "../backbone/architecture.js"
import type { NormKind } from "../backbone/norm.js"
import { groupNormDefaults } from "../engine/ops/group-norm.js"
import type { Graph, Value } from "./graph.js"
import { add, multiply, reshape, shapeOf } from "./operations.js"

/** Norms as they are when nothing learns: a batch norm has been folded into its convolution. */
export type FixedNorm = Exclude<NormKind, "batch">

/** What a norm is once nothing learns. */
export const fixedNorm = (norm: NormKind): FixedNorm => (norm === "batch" ? "frozen" : norm)

export type Window = Pick<LayerSpec, "kernel" | "dilation"> & Partial<Pick<LayerSpec, "stride">>

/** A convolution with a bias, `name.weight` and `name.bias`, zeros around so that stride 1 keeps the size. */
export function convolution(graph: Graph, x: Value, name: string, window: Window): Value {
  return graph.node("Conv", [x, graph.weight(`${name}.weight`), graph.weight(`${name}.bias`)], geometry(window))
}

/** A convolution with its norm, by torchvision's names behind `prefix`. */
export function convolutionUnit(
  graph: Graph,
  x: Value,
  prefix: string,
  spec: Omit<LayerSpec, "in">,
  norm: FixedNorm,
): Value {
  if (norm === "frozen") return convolution(graph, x, prefix + spec.conv, spec)
  const maps = graph.node("Conv", [x, graph.weight(`${prefix}${spec.conv}.weight`)], geometry(spec))
  return groupNorm(graph, maps, prefix + spec.norm, spec.out)
}

export const relu = (graph: Graph, x: Value): Value => graph.node("Relu", [x])

/** A linear layer, `[R, in]` to `[R, out]`. */
export function linear(graph: Graph, x: Value, name: string): Value {
  return graph.node("Gemm", [x, graph.weight(`${name}.weight`), graph.weight(`${name}.bias`)], { transB: 1 })
}

function geometry({ kernel, stride = 1, dilation = 1 }: Window) {
  const side = (dilation * (kernel - 1)) / 2
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    dilations: [dilation, dilation],
    pads: [side, side, side, side],
  }
}

/** `[N, C, H, W]`, N at least 1. The groups stand as channels of an instance norm, which opset 16 knows. */
function groupNorm(graph: Graph, maps: Value, name: string, channels: number): Value {
  const { groups, epsilon } = groupNormDefaults
  const [ones, zeros] = [1, 0].map((value) => graph.reals(new Float32Array(groups).fill(value)))
  const grouped = reshape(graph, maps, 0, groups, -1)
  const centred = graph.node("InstanceNormalization", [grouped, ones!, zeros!], { epsilon: { real: epsilon } })
  const normed = graph.node("Reshape", [centred, shapeOf(graph, maps)])
  const [scale, offset] = ["weight", "bias"].map((part) =>
    reshape(graph, graph.weight(`${name}.${part}`), channels, 1, 1),
  )
  return add(graph, multiply(graph, normed, scale!), offset!)
}
