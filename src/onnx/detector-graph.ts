import { describedMaps } from "../backbone/backbone.js"
import { UsageError } from "../core/errors.js"
import { detectorOptions, predictorSizes, rpnHeadSizes } from "../detector/build.js"
import { selectionFor } from "../detector/detect-options.js"
import { type DetectorSpec, detectorSpec } from "../detector/detector-spec.js"
import type { ModelConfig } from "../detector/model.js"
import { boxPredictor } from "../roi/head.js"
import { rpnHead } from "../rpn/head.js"
import { detections, selectBounds } from "./detections.js"
import { Graph, type Value, type WeightSource } from "./graph.js"
import { graphOps } from "./graph-ops.js"
import { imageInput } from "./image-input.js"
import type { OnnxModel } from "./model.js"
import { cast, concat, gather, multiply, shapeOf, slice, unsqueeze } from "./operations.js"
import { proposals } from "./proposals.js"
import { pooledRegions } from "./regions.js"

/** Why there is no graph of a detector yet, in words for the user; undefined where there is one. */
export function whyNoGraph({ options }: Pick<ModelConfig, "options">): string | undefined {
  const { softNms, vote, agnostic } = selectionFor(options.select, {})
  if (softNms === "off" && !vote && !agnostic) return undefined
  return "detectors with soft NMS, class-agnostic NMS or box voting cannot be ONNX graphs yet"
}

/**
 * A whole detector as one graph, from the image to the detections in the image's own pixels, for one image of any size a
 * run. Its bounds (`boundSpecs`) are constants with the detector's own values.
 * @param numClasses K, without the background
 * @param weights by the names of `spec`'s parameters
 * @param spec the detector's networks, where they are not those that `config.model` names
 * @throws UsageError where `whyNoGraph` says so
 */
export function detectorGraph(
  config: ModelConfig,
  numClasses: number,
  weights: WeightSource,
  metadata: Readonly<Record<string, string>> = {},
  spec: DetectorSpec = detectorSpec(config),
): OnnxModel {
  const reason = whyNoGraph(config)
  if (reason !== undefined) throw new UsageError(reason)
  const { anchors, proposals: proposing, align, context, ...options } = detectorOptions(config, spec)
  const select = selectionFor(options.select, {})
  const graph = new Graph(weights)
  const ops = graphOps(graph)
  const { pixels, size, scale } = imageInput(graph, config)
  const limit = boxLimit(graph, size)
  const levels = describedMaps(ops.in("backbone"), spec.backbone, pixels)
  const outputs = levels.map((maps) => rpnHead(ops.in("rpn").in("head"), rpnHeadSizes(spec, config), maps))
  const regions = proposals(graph, levels, outputs, limit, { anchors, options: proposing.test })
  // Behind them the whole image: the context of all, and no layer is given nothing.
  const filled = concat(graph, [regions, wholeImage(graph, limit)], 0)
  const { maps, restore } = pooledRegions(graph, levels, filled, spec.backbone.strides, align)
  const heads = ops.in("roi_heads")
  const own = restore(spec.boxHead.features(heads.in("box_head"), maps))
  const vectors = context ? besideLast(graph, own) : own
  const sizes = predictorSizes(spec.boxHead, config, numClasses)
  const predicted = boxPredictor(heads.in("box_predictor"), sizes, vectors)
  const [logits, deltas] = [predicted.logits, predicted.deltas].map((rows) => firstRows(graph, rows, regions))
  const numLabels = numClasses + 1
  const perLabel = options.roi.classAgnostic ? graph.node("Tile", [deltas!, graph.integers(1, numLabels)]) : deltas!
  const predictions = { regions, logits: logits!, deltas: perLabel }
  const { minSide } = select
  detections(graph, predictions, { limit, scale, bounds: selectBounds(graph, select), numLabels, minSide })
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
