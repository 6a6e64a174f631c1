import { pyramidChannels } from "../backbone/fpn.js"
import type { Graph, Value } from "./graph.js"
import { convolution, convolutionUnit, type FixedNorm } from "./layers.js"
import { add } from "./operations.js"

/**
 * The levels P2, P3, ... of the stages' maps, and one more of every second cell: see `FeaturePyramid`.
 * @param norm behind every convolution, or none
 * @param maps of each stage, finest first, each exactly twice the size of the next: the input's sides are multiples of 32
 */
export function pyramid(
  graph: Graph,
  maps: readonly Value[],
  prefix: string,
  norm: FixedNorm | "none" = "none",
): Value[] {
  const layer = (x: Value, name: string, kernel: number) => {
    if (norm === "none") return convolution(graph, x, `${prefix}${name}.0`, { kernel })
    const spec = { conv: "0", norm: "1", kernel, stride: 1, out: pyramidChannels }
    return convolutionUnit(graph, x, `${prefix}${name}.`, spec, norm)
  }
  const levels: Value[] = []
  let coarser: Value | undefined
  for (let level = maps.length - 1; level >= 0; level--) {
    const own = layer(maps[level]!, `inner_blocks.${level}`, 1)
    coarser = coarser === undefined ? own : add(graph, own, doubled(graph, coarser))
    levels.unshift(layer(coarser, `layer_blocks.${level}`, 3))
  }
  const last = graph.node("MaxPool", [levels.at(-1)!], { kernel_shape: [1, 1], strides: [2, 2] })
  return [...levels, last]
}

/** Each cell four times. */
function doubled(graph: Graph, maps: Value): Value {
  return graph.node("Resize", [maps, "", graph.reals([1, 1, 2, 2])], {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  })
}
