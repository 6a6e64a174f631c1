import { rpnCoderWeights } from "../boxes/coder.js"
import type { AnchorOptions } from "../rpn/anchors.js"
import { cellAnchors } from "../rpn/anchors.js"
import type { ProposalOptions } from "../rpn/proposals.js"
import { clip, decode, haveSide } from "./box-arithmetic.js"
import type { Graph, Value } from "./graph.js"
import {
  add,
  best,
  cast,
  concat,
  divide,
  gather,
  multiply,
  reshape,
  shapeOf,
  slice,
  squeeze,
  transpose,
  unsqueeze,
} from "./operations.js"
import { suppressed } from "./suppression.js"

/** What the RPN says on one level. */
interface LevelOutputs {
  /** `[1, A, H, W]` and `[1, 4 A, H, W]`. */
  readonly logits: Value
  readonly deltas: Value
}

/**
 * The regions of the image worth a closer look, see `proposeBoxes`.
 * @param levels `[1, C, H, W]`, finest first
 * @param outputs what the RPN's layers say of each, see `rpnHead`
 * @param limit `[4]` width, height, width, height of the image in input pixels
 * @returns `[P, 4]` in input pixels, best first; P may be 0
 */
export function proposals(
  graph: Graph,
  levels: readonly Value[],
  outputs: readonly LevelOutputs[],
  limit: Value,
  { anchors, options }: { readonly anchors: AnchorOptions; readonly options: ProposalOptions },
): Value {
  const strides = levelStrides(graph, levels, anchors.stride)
  const found = outputs.map((own, level) => {
    const sizes = levels.length === 1 ? anchors.sizes : [anchors.sizes[level]!]
    return ofLevel(graph, own, cellAnchors({ ...anchors, sizes }), strides[level]!, limit, options)
  })
  if (found.length === 1) return found[0]!.boxes
  const [scores, boxes] = (["scores", "boxes"] as const).map((part) =>
    concat(
      graph,
      found.map((own) => own[part]),
      0,
    ),
  )
  return gather(graph, boxes!, best(graph, scores!, graph.integers(options.postNmsTopN)).indices)
}

/** Input pixels between two cells of each level, int64 `[2]` down and across: see `levelAnchors`. */
function levelStrides(graph: Graph, levels: readonly Value[], stride: number): Value[] {
  if (levels.length === 1) return [graph.integers(stride, stride)]
  const sizes = levels.map((level) => slice(graph, shapeOf(graph, level), 0, 2, 4))
  const covered = multiply(graph, sizes[0]!, graph.integers(stride))
  return sizes.map((size) => divide(graph, covered, size))
}

function ofLevel(
  graph: Graph,
  { logits, deltas }: LevelOutputs,
  cell: Float32Array,
  strides: Value,
  limit: Value,
  { preNmsTopN, postNmsTopN, nmsThreshold, minSide }: ProposalOptions,
): { readonly boxes: Value; readonly scores: Value } {
  const count = cell.length / 4
  const width = slice(graph, shapeOf(graph, logits), 0, 3, 4)
  // Rows, columns, anchors of a cell: of equal logits the earlier one counts as better.
  const flat = reshape(graph, transpose(graph, logits, 0, 2, 3, 1), -1)
  const { scores, indices } = best(graph, flat, graph.integers(preNmsTopN))
  const moves = gather(graph, reshape(graph, transpose(graph, deltas, 0, 2, 3, 1), -1, 4), indices)
  const place = anchorPlaces(graph, indices, count, width, strides)
  const anchor = gather(graph, graph.reals(cell, [count, 4]), graph.node("Mod", [indices, graph.integers(count)]))
  const boxes = clip(graph, decode(graph, moves, add(graph, anchor, place), rpnCoderWeights), limit)
  const large = squeeze(graph, haveSide(graph, boxes, minSide), 1)
  // They are in order, so that places do for scores: a bound on logits would be below 0, which some runtimes refuse.
  const masked = graph.node("Where", [large, places(graph, scores), graph.real(0)])
  const kept = suppressed(graph, unsqueeze(graph, boxes, 0), unsqueeze(graph, masked, 0, 1), {
    limit: graph.integers(postNmsTopN),
    overlap: graph.reals([nmsThreshold]),
    above: graph.reals([0]),
  })
  const chosen = squeeze(graph, slice(graph, kept, 1, 2, 3), 1)
  return { boxes: gather(graph, boxes, chosen), scores: gather(graph, scores, chosen) }
}

/** n for the first of n values, 1 for the last: float32 `[n]`. */
function places(graph: Graph, values: Value): Value {
  const count = squeeze(graph, shapeOf(graph, values), 0)
  return cast(graph, graph.node("Range", [count, graph.integer(0), graph.integer(-1)]), "float32")
}

/** How far the anchors `[k]` lie from those of the first cell: `[k, 4]` float32, input pixels. */
function anchorPlaces(graph: Graph, indices: Value, anchors: number, width: Value, strides: Value): Value {
  const cell = divide(graph, indices, graph.integers(anchors))
  const column = graph.node("Mod", [cell, width])
  const row = divide(graph, cell, width)
  const across = multiply(graph, column, slice(graph, strides, 0, 1, 2))
  const down = multiply(graph, row, slice(graph, strides, 0, 0, 1))
  const place = concat(graph, [unsqueeze(graph, across, 1), unsqueeze(graph, down, 1)], 1)
  return cast(graph, concat(graph, [place, place], 1), "float32")
}
