import { type NetworkSpec, resNetSpec } from "../backbone/architecture.js"
import type { NormKind } from "../backbone/norm.js"
import { detectorOptions } from "../detector/build.js"
import { selectionFor } from "../detector/detect-options.js"
import { type ModelConfig, parseModel } from "../detector/model.js"
import { UsageError } from "../tensor/errors.js"
import { detections, selectBounds } from "./detections.js"
import { Graph, type Value, type WeightSource } from "./graph.js"
import { imageInput } from "./image-input.js"
import { type FixedNorm, linear, relu } from "./layers.js"
import type { OnnxModel } from "./model.js"
import { cast, concat, gather, multiply, shapeOf, slice, unsqueeze } from "./operations.js"
import { proposals } from "./proposals.js"
import { pyramid } from "./pyramid.js"
import { pooledRegions } from "./regions.js"
import { stage, stages } from "./resnet.js"

/** The parts in which one kind of detector differs from another. */
interface DetectorKind {
  /** `[1, 3, H, W]` to the maps of each level `[1, C, h, w]`, finest first. */
  levels(graph: Graph, pixels: Value, network: NetworkSpec, config: ModelConfig): Value[]
  /** `[R, C, size, size]` to `[R, channels]`, R at least 1. */
  vectors(graph: Graph, pooled: Value, network: NetworkSpec, config: ModelConfig): Value
}

/** See `c4Parts` of detector/build.ts. */
const c4: DetectorKind = {
  levels: (graph, pixels, network, { norm }) => {
    const shared = { ...network, stages: network.stages.slice(0, 3) }
    return stages(graph, pixels, "backbone.", shared, fixed(norm)).slice(-1)
  },
  vectors: (graph, pooled, network, { conv5Norm }) => {
    const maps = stage(graph, pooled, "roi_heads.box_head.layer4.", network.stages[3]!, fixed(conv5Norm))
    return graph.node("Flatten", [graph.node("GlobalAveragePool", [maps])])
  },
}

/** See `pyramidParts` of detector/build.ts. */
const fpn: DetectorKind = {
  levels: (graph, pixels, network, { norm }) =>
    pyramid(graph, stages(graph, pixels, "backbone.body.", network, fixed(norm)), "backbone.fpn."),
  vectors: (graph, pooled) => {
    const layers = ["fc6", "fc7"].map((layer) => `roi_heads.box_head.${layer}`)
    return layers.reduce((x, layer) => relu(graph, linear(graph, x, layer)), graph.node("Flatten", [pooled]))
  },
}

/** A norm that `whyNoGraph` has let pass. */
const fixed = (norm: NormKind): FixedNorm => norm as FixedNorm

const kinds = { c4, fpn } as const satisfies Record<string, DetectorKind>

/** Why there is no graph of a detector yet, in words for the user; undefined where there is one. */
export function whyNoGraph({ model, norm, conv5Norm, options }: ModelConfig): string | undefined {
  if (!Object.hasOwn(kinds, parseModel(model).kind)) {
    return `${model} cannot be an ONNX graph yet, only detectors that end in ${Object.keys(kinds).join(", ")}`
  }
  if (norm === "batch" || conv5Norm === "batch") return "detectors with batch norm cannot be ONNX graphs yet"
  if (options.roi.classAgnostic) return "detectors with one box for all classes cannot be ONNX graphs yet"
  if (options.align.operator !== "align") return "detectors with RoI pooling cannot be ONNX graphs yet"
  const { softNms, vote } = selectionFor(options.select, {})
  if (softNms === "off" && !vote) return undefined
  return "detectors with soft NMS or box voting cannot be ONNX graphs yet"
}

/**
 * A whole detector as one graph, from the image to the detections in the image's own pixels, for one image of any size a
 * run. Its bounds (`boundSpecs`) are constants with the detector's own values.
 * @param numClasses K, without the background
 * @throws UsageError where `whyNoGraph` says so
 */
export function detectorGraph(
  config: ModelConfig,
  numClasses: number,
  weights: WeightSource,
  metadata: Readonly<Record<string, string>> = {},
): OnnxModel {
  const reason = whyNoGraph(config)
  if (reason !== undefined) throw new UsageError(reason)
  const { kind: name, depth } = parseModel(config.model)
  const kind = kinds[name as keyof typeof kinds]
  const { anchors, proposals: proposing, align, context, ...options } = detectorOptions(config)
  const select = selectionFor(options.select, {})
  const network = resNetSpec(depth, { strideIn: config.strideIn })
  const graph = new Graph(weights)
  const { pixels, size, scale } = imageInput(graph, config)
  const limit = boxLimit(graph, size)
  const levels = kind.levels(graph, pixels, network, config)
  const regions = proposals(graph, levels, limit, { anchors, options: proposing.test })
  // Behind them the whole image: the context of all, and no layer is given nothing.
  const filled = concat(graph, [regions, wholeImage(graph, limit)], 0)
  const { maps, restore } = pooledRegions(graph, levels, filled, anchors.stride, align)
  const own = restore(kind.vectors(graph, maps, network, config))
  const vectors = context ? besideLast(graph, own) : own
  const [logits, deltas] = ["cls_score", "bbox_pred"].map((layer) => {
    return firstRows(graph, linear(graph, vectors, `roi_heads.box_predictor.${layer}`), regions)
  })
  const said = { regions, logits: logits!, deltas: deltas! }
  const { minSide } = select
  detections(graph, said, { limit, scale, bounds: selectBounds(graph, select), numLabels: numClasses + 1, minSide })
  return graph.model(config.model, metadata)
}

/** `[height, width]` as the bounds of boxes: `[4]` width, height, width, height, float32. */
function boxLimit(graph: Graph, size: Value): Value {
  return cast(graph, gather(graph, size, graph.integers(1, 0, 1, 0)), "float32")
}

/** The image as one region, `[1, 4]`. */
function wholeImage(graph: Graph, limit: Value): Value {
  return unsqueeze(graph, multiply(graph, limit, graph.reals([0, 0, 1, 1])), 0)
}

/** Each row with the last one behind it, `[R, C]` to `[R, 2 C]`: see `besideContext`. */
function besideLast(graph: Graph, rows: Value): Value {
  const last = gather(graph, rows, graph.integers(-1))
  return concat(graph, [rows, graph.node("Expand", [last, shapeOf(graph, rows)])], 1)
}

/** As many rows as `like` has. */
function firstRows(graph: Graph, rows: Value, like: Value): Value {
  const count = slice(graph, shapeOf(graph, like), 0, 0, 1)
  return graph.node("Slice", [rows, graph.integers(0), count, graph.integers(0)])
}
