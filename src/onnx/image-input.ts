import type { SizeRule } from "../core/size-rule.js"
import type { InputConfig } from "../detector/model.js"
import type { Graph, Value } from "./graph.js"
import { networkSpecs } from "./network-part.js"
import {
  add,
  cast,
  concat,
  divide,
  gather,
  least,
  most,
  multiply,
  shapeOf,
  slice,
  squeeze,
  subtract,
  unsqueeze,
} from "./operations.js"

/** An image that is ready for the network. */
export interface ImageInput {
  /** `[1, 3, H, W]`, normalised, H and W multiples of 32. */
  readonly pixels: Value
  /** int64 `[2]`: height and width of the image inside it. */
  readonly size: Value
  /** float64 `[4]` for x1, y1, x2, y2: input pixels = image pixels * scale. */
  readonly scale: Value
}

/** Height and width of the network's input are multiples of this. @source torchvision `GeneralizedRCNNTransform` */
const divisor = 32

/**
 * The graph's input `image`, `[3, height, width]` RGB in 0..1 of any size, as torchvision's detectors take it; resized
 * as `resizeInto` does it, normalised and padded. Places are computed in float64 and rows and columns are gathered: the
 * operation Resize has float32 places, which are off by a ten-thousandth of a pixel at the far end.
 */
export function imageInput(graph: Graph, options: InputConfig): ImageInput {
  const image = graph.input({ name: "image", type: "float32", shape: [3, "height", "width"] })
  const sides = slice(graph, shapeOf(graph, image), 0, 1, 3)
  const size = graph.alias(inputSize(graph, sides, options), networkSpecs.size.name)
  const [height, width] = [0, 1].map((axis) => {
    return [slice(graph, sides, 0, axis, axis + 1), slice(graph, size, 0, axis, axis + 1)] as const
  })
  const tall = resized(graph, image, 1, ...height!)
  const whole = resized(graph, tall, 2, ...width!)
  const [mean, std] = [options.input.mean, options.input.std].map((values) => graph.reals(values, [3, 1, 1]))
  const normal = divide(graph, subtract(graph, whole, mean!), std!)
  const scale = divide(graph, cast(graph, size, "float64"), cast(graph, sides, "float64"))
  const scaleXy = gather(graph, scale, graph.integers(1, 0))
  const pixels = graph.alias(unsqueeze(graph, padded(graph, normal, size), 0), networkSpecs.pixels.name)
  return { pixels, size, scale: concat(graph, [scaleXy, scaleXy], 0) }
}

/** See `inputSize` of datasets: int64 `[2]`. */
function inputSize(graph: Graph, sides: Value, { size, maxSize, sizeRule = "exact" }: InputConfig): Value {
  const [short, long] = ["ReduceMin", "ReduceMax"].map((op) => graph.node(op, [sides], { axes: [0], keepdims: 1 }))
  const scaled = sizeRules[sizeRule](graph, { sides, short: short!, long: long!, size, maxSize })
  return most(graph, scaled, graph.integers(1))
}

interface SidesToScale {
  /** int64: `[2]` height and width, `[1]` the shorter and the longer of them. */
  readonly sides: Value
  readonly short: Value
  readonly long: Value
  readonly size: number
  readonly maxSize: number
}

const sizeRules: Readonly<Record<SizeRule, (graph: Graph, sides: SidesToScale) => Value>> = {
  /** Whole numbers all through. */
  exact(graph, { sides, short, long, size, maxSize }) {
    const [shortGoal, longGoal] = [graph.integers(size), graph.integers(maxSize)]
    const fits = graph.node("LessOrEqual", [multiply(graph, shortGoal, long), multiply(graph, longGoal, short)])
    const to = graph.node("Where", [fits, shortGoal, longGoal])
    const from = graph.node("Where", [fits, short, long])
    return divide(graph, multiply(graph, sides, to), from)
  },
  torchvision(graph, given) {
    const { sides, short, long, size, maxSize } = inReals(graph, given)
    const scale = least(graph, divide(graph, size, short), divide(graph, maxSize, long))
    return cast(graph, graph.node("Floor", [multiply(graph, sides, scale)]), "int64")
  },
  detectron2(graph, given) {
    const { sides, short, size, maxSize } = inReals(graph, given)
    const scale = divide(graph, size, short)
    const isShort = graph.node("Equal", [given.sides, given.short])
    const wanted = graph.node("Where", [isShort, size, multiply(graph, sides, scale)])
    const longest = graph.node("ReduceMax", [wanted], { axes: [0], keepdims: 1 })
    const less = least(graph, divide(graph, maxSize, longest), graph.double(1))
    const half = graph.double(0.5)
    return cast(graph, graph.node("Floor", [add(graph, multiply(graph, wanted, less), half)]), "int64")
  },
  paper(graph, given) {
    const { sides, short, long, size, maxSize } = inReals(graph, given)
    const scale = divide(graph, size, short)
    const passes = graph.node("Greater", [graph.node("Round", [multiply(graph, long, scale)]), maxSize])
    const used = graph.node("Where", [passes, divide(graph, maxSize, long), scale])
    return cast(graph, graph.node("Round", [multiply(graph, sides, used)]), "int64")
  },
}

const inReals = (graph: Graph, { sides, short, long, size, maxSize }: SidesToScale) => ({
  sides: cast(graph, sides, "float64"),
  short: cast(graph, short, "float64"),
  long: cast(graph, long, "float64"),
  size: graph.double(size),
  maxSize: graph.double(maxSize),
})

/** `[3, H, W]` with one axis resized from the length `from` to `to`, int64 `[1]`. */
function resized(graph: Graph, image: Value, axis: 1 | 2, from: Value, to: Value): Value {
  const [zero, one, half] = [graph.integer(0), graph.integer(1), graph.double(0.5)]
  const numbers = cast(graph, graph.node("Range", [zero, squeeze(graph, to, 0), one]), "float64")
  const [fromReal, toReal] = [from, to].map((length) => cast(graph, length, "float64"))
  const exact = divide(graph, multiply(graph, add(graph, numbers, half), fromReal!), toReal!)
  const place = most(graph, subtract(graph, exact, half), graph.double(0))
  const last = subtract(graph, from, one)
  const first = least(graph, cast(graph, graph.node("Floor", [place]), "int64"), last)
  const second = least(graph, add(graph, first, one), last)
  const share = cast(graph, subtract(graph, place, cast(graph, first, "float64")), "float32")
  const weight = axis === 1 ? unsqueeze(graph, share, 1) : share
  const before = gather(graph, image, first, axis)
  const behind = gather(graph, image, second, axis)
  return add(graph, before, multiply(graph, subtract(graph, behind, before), weight))
}

/** Zeros, the mean colour, below and to the right, up to multiples of 32. */
function padded(graph: Graph, image: Value, size: Value): Value {
  const [unit, unitLess1] = [graph.integers(divisor), graph.integers(divisor - 1)]
  const whole = multiply(graph, divide(graph, add(graph, size, unitLess1), unit), unit)
  const pads = concat(graph, [graph.integers(0, 0, 0, 0), subtract(graph, whole, size)], 0)
  return graph.node("Pad", [image, pads])
}
