import { levelAreas } from "../roi/levels.js"
import type { PoolingOptions } from "../roi/pooling.js"
import { sides } from "./box-arithmetic.js"
import type { Graph, Value } from "./graph.js"
import { add, best, cast, concat, gather, multiply, shapeOf, slice, squeeze, unsqueeze } from "./operations.js"

/** Regions cut out of the maps. */
export interface PooledRegions {
  /** `[R, C, size, size]`, in an order of its own. */
  readonly maps: Value
  /** Brings rows `[R, ...]` made of them into the order of the regions. */
  restore(rows: Value): Value
}

/**
 * Cuts each region from the level of its size, see `alignOnLevels`. A level without regions gives nothing.
 * @param levels `[1, C, H, W]`; those beyond a stride of 32 are not used
 * @param boxes `[R, 4]` in input pixels
 * @param strides input pixels per cell of each level
 */
export function pooledRegions(
  graph: Graph,
  levels: readonly Value[],
  boxes: Value,
  strides: readonly number[],
  options: PoolingOptions,
): PooledRegions {
  if (levels.length === 1)
    return { maps: pooled(graph, levels[0]!, boxes, strides[0]!, options), restore: (rows) => rows }
  const areas = levelAreas(strides)
  const level = levelsOf(graph, boxes, areas)
  const parts = Array.from({ length: areas.length + 1 }, (_, l) => {
    const own = graph.node("NonZero", [graph.node("Equal", [level, graph.integer(l)])])
    const members = squeeze(graph, own, 0)
    return { members, maps: pooled(graph, levels[l]!, gather(graph, boxes, members), strides[l]!, options) }
  })
  const order = concat(
    graph,
    parts.map(({ members }) => members),
    0,
  )
  const places = inverse(graph, order)
  return {
    maps: concat(
      graph,
      parts.map(({ maps }) => maps),
      0,
    ),
    restore: (rows) => gather(graph, rows, places),
  }
}

/** Each box's level, int64 `[R]`, 0 the finest. */
function levelsOf(graph: Graph, boxes: Value, areas: readonly number[]): Value {
  const [width, height] = sides(graph, boxes)
  const area = squeeze(graph, multiply(graph, width, height), 1)
  const reached = areas.map((least) => cast(graph, graph.node("GreaterOrEqual", [area, graph.real(least)]), "int64"))
  return reached.reduce((level, one) => add(graph, level, one))
}

/** Where each of 0..R-1 stands in `order`. */
function inverse(graph: Graph, order: Value): Value {
  const negated = graph.node("Neg", [order])
  return best(graph, negated, shapeOf(graph, order)).indices
}

/**
 * The regions of one map, see `poolRegions`.
 * @source ONNX RoiAlign: `half_pixel` takes half a pixel off first, as torchvision's `aligned` does
 */
function pooled(graph: Graph, maps: Value, boxes: Value, stride: number, options: PoolingOptions): Value {
  const { operator, size, samplingRatio, aligned } = options
  const scale = { spatial_scale: { real: 1 / stride } }
  const count = slice(graph, shapeOf(graph, boxes), 0, 0, 1)
  // Not ConstantOfShape, whose value some runtimes want to be told though it has a default.
  const images = (first: Value) => graph.node("Expand", [first, count])
  if (operator === "pool") {
    const withImages = concat(graph, [unsqueeze(graph, images(graph.reals([0])), 1), boxes], 1)
    return graph.node("MaxRoiPool", [maps, withImages], { ...scale, pooled_shape: [size, size] })
  }
  return graph.node("RoiAlign", [maps, boxes, images(graph.integers(0))], {
    ...scale,
    mode: "avg",
    output_height: size,
    output_width: size,
    sampling_ratio: samplingRatio,
    coordinate_transformation_mode: aligned ? "half_pixel" : "output_half_pixel",
  })
}
