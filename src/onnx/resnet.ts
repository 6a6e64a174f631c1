import {
  type BlockSpec,
  isProjection,
  type NetworkSpec,
  type PaddedShortcut,
  type StageSpec,
} from "../backbone/architecture.js"
import type { Graph, Value } from "./graph.js"
import { convolutionUnit, type FixedNorm, relu } from "./layers.js"
import { add } from "./operations.js"

/** The first convolution and, where the network has it, the max pool: images `[N, 3, H, W]` to maps. */
export function stem(graph: Graph, images: Value, prefix: string, network: NetworkSpec, norm: FixedNorm): Value {
  const maps = relu(graph, convolutionUnit(graph, images, prefix, network.stem, norm))
  if (!network.pool) return maps
  return graph.node("MaxPool", [maps], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })
}

/** The blocks of `layerN`, all names behind `prefix`: see `Stage`. */
export function stage(graph: Graph, x: Value, prefix: string, spec: StageSpec, norm: FixedNorm): Value {
  return spec.reduce((maps, own, index) => block(graph, maps, `${prefix}${index}.`, own, norm), x)
}

/** The maps of every stage, finest first; conv5 may have a norm of its own. */
export function stages(
  graph: Graph,
  images: Value,
  prefix: string,
  network: NetworkSpec,
  { norm, conv5Norm = norm }: { readonly norm: FixedNorm; readonly conv5Norm?: FixedNorm },
): Value[] {
  const maps = [stem(graph, images, prefix, network, norm)]
  for (const [index, spec] of network.stages.entries()) {
    maps.push(stage(graph, maps.at(-1)!, `${prefix}layer${index + 1}.`, spec, index < 3 ? norm : conv5Norm))
  }
  return maps.slice(1)
}

function block(graph: Graph, x: Value, prefix: string, { layers, shortcut }: BlockSpec, norm: FixedNorm): Value {
  const maps = layers.reduce((maps, layer, index) => {
    const own = convolutionUnit(graph, maps, prefix, layer, norm)
    return index < layers.length - 1 ? relu(graph, own) : own
  }, x)
  if (shortcut === "none") return relu(graph, maps)
  const beside =
    shortcut === "identity"
      ? x
      : isProjection(shortcut)
        ? convolutionUnit(graph, x, prefix, shortcut, norm)
        : padded(graph, x, shortcut)
  return relu(graph, add(graph, maps, beside))
}

/** Every `stride`-th pixel, its channels filled up with zeros. */
function padded(graph: Graph, x: Value, { zeros, stride, in: channels, out }: PaddedShortcut): Value {
  const before = zeros === "both" ? Math.floor((out - channels) / 2) : 0
  const taken = stride === 1 ? x : graph.node("AveragePool", [x], { kernel_shape: [1, 1], strides: [stride, stride] })
  return graph.node("Pad", [taken, graph.integers(0, before, 0, 0, 0, out - channels - before, 0, 0)])
}
