import { batchNormEpsilon } from "../engine/ops/batch-norm.js"
import { groupNormDefaults } from "../engine/ops/group-norm.js"
import type { LayerSpec, Ops } from "../layers/ops.js"
import type { Graph, Value } from "./graph.js"
import { add, multiply, reshape, shapeOf, slice } from "./operations.js"

/**
 * Writes descriptions into an ONNX graph. Maps are `[N, C, H, W]` there, N at least 1.
 * @param prefix of the parameters' names
 */
export function graphOps(graph: Graph, prefix = ""): Ops<Value> {
  const relu = (x: Value): Value => graph.node("Relu", [x])
  const relued = (x: Value, { relu: withRelu = false }: { readonly relu?: boolean } = {}) => (withRelu ? relu(x) : x)
  const weight = (name: string) => graph.weight(prefix + name)
  return {
    in: (part) => graphOps(graph, `${prefix}${part}.`),
    frozen: () => graphOps(graph, prefix),
    conv(x, spec, options) {
      const { norm } = options
      const conv = (...parameters: Value[]) => graph.node("Conv", [x, ...parameters], geometry(spec))
      if (norm === "batch" || norm === "unfolded") return relued(conv(...foldedNorm(graph, prefix, spec)), options)
      if (norm === "group") {
        const y = groupNorm(graph, conv(weight(`${spec.conv}.weight`)), prefix + spec.norm, spec.out)
        return relued(y, options)
      }
      return relued(conv(weight(`${spec.conv}.weight`), weight(`${spec.conv}.bias`)), options)
    },
    linear(x, { name }, options) {
      const y = graph.node("Gemm", [x, weight(`${name}.weight`), weight(`${name}.bias`)], { transB: 1 })
      return relued(y, options)
    },
    relu,
    add: (a, b, options) => relued(add(graph, a, b), options),
    maxPool: (x) => graph.node("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    subsample: (x, stride) =>
      stride === 1 ? x : graph.node("MaxPool", [x], { kernel_shape: [1, 1], strides: [stride, stride] }),
    padChannels: (x, before, behind) => graph.node("Pad", [x, graph.integers(0, before, 0, 0, 0, behind, 0, 0)]),
    secondLessFirst: (x, half) => graph.node("Sub", [slice(graph, x, 1, half, 2 * half), slice(graph, x, 1, 0, half)]),
    // Each side is exactly half the finer map's: an input's sides are multiples of 32.
    upsample: (x) =>
      graph.node("Resize", [x, "", graph.reals([1, 1, 2, 2])], {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      }),
    averagePool: (x) => graph.node("Flatten", [graph.node("GlobalAveragePool", [x])]),
    flatten: (x) => graph.node("Flatten", [x]),
  }
}

function geometry({ kernel, stride, dilation = 1 }: LayerSpec) {
  const side = (dilation * (kernel - 1)) / 2
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    dilations: [dilation, dilation],
    pads: [side, side, side, side],
  }
}

/** A convolution's weight and bias with the batch norm behind it, by its running statistics. */
function foldedNorm(graph: Graph, prefix: string, { conv, norm, out }: LayerSpec): [weight: Value, bias: Value] {
  const valuesOf = (part: string) => graph.weights(`${prefix}${norm}.${part}`).values
  const factors = () => {
    const [scale, variance] = [valuesOf("weight"), valuesOf("running_var")]
    return Float64Array.from(scale, (value, channel) => value / Math.sqrt(variance[channel]! + batchNormEpsilon))
  }
  const weight = graph.once(`${prefix}${conv}.weight`, () => {
    const { shape, values } = graph.weights(`${prefix}${conv}.weight`)
    const by = factors()
    return { shape, values: values.map((value, at) => value * by[Math.floor((at * out) / values.length)]!) }
  })
  const bias = graph.once(`${prefix}${conv}.bias`, () => {
    const [offset, mean, by] = [valuesOf("bias"), valuesOf("running_mean"), factors()]
    return { shape: [out], values: offset.map((value, channel) => value - mean[channel]! * by[channel]!) }
  })
  return [weight, bias]
}

/** The groups stand as channels of an instance norm, which opset 16 knows. */
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
