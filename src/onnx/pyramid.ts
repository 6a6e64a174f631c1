import type { Graph, Value } from "./graph.js"
import { convolution } from "./layers.js"
import { add } from "./operations.js"

/**
 * The levels P2, P3, ... of the stages' maps, and one more of every second cell: see `FeaturePyramid`.
 * @param maps of each stage, finest first, each exactly twice the size of the next: the input's sides are multiples of 32
 */
export function pyramid(graph: Graph, maps: readonly Value[], prefix: string): Value[] {
  const levels: Value[] = []
  let coarser: Value | undefined
  for (let level = maps.length - 1; level >= 0; level--) {
    const own = convolution(graph, maps[level]!, `${prefix}inner_blocks.${level}.0`, { kernel: 1 })
    coarser = coarser === undefined ? own : add(graph, own, doubled(graph, coarser))
    levels.unshift(convolution(graph, coarser, `${prefix}layer_blocks.${level}.0`, { kernel: 3 }))
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
