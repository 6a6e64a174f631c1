import type { BackboneSpec } from "../backbone/backbone.js"
import { DataError, UsageError } from "../core/errors.js"
import { writeWhole } from "../core/write-whole.js"
import { Checkpoint } from "../weights/checkpoint.js"
import type { DetectorInfo } from "../weights/model-info.js"
import { encodeModel } from "./encode-model.js"
import { classifierModel, detectorModel } from "./file-models.js"
import type { OnnxModel } from "./model.js"

/** A file that was written, and what of. */
export interface WrittenGraph {
  readonly kind: "detector" | "classifier"
  readonly weights: string
  readonly out: string
  /** Such as `fasterrcnn_resnet50_fpn`. */
  readonly model: string
  readonly classes: number
  /** Nodes of the graph. */
  readonly operations: number
}

/** Thresholds that the file has instead of the model's own. */
export interface ExportBounds {
  readonly score?: number | undefined
  readonly nms?: number | undefined
}

/**
 * Writes the graph of the detector or classifier in a weights file.
 * @throws DataError when the file holds neither, UsageError for a kind of detector that has no graph yet
 */
export function writeOnnx(
  weights: string,
  out: string,
  bounds: ExportBounds = {},
  backbone?: BackboneSpec,
): WrittenGraph {
  if (!out.endsWith(".onnx")) throw new UsageError(`export: expected --out to end in .onnx, got "${out}"`)
  using checkpoint = Checkpoint.open(weights)
  const { model } = checkpoint
  switch (model.kind) {
    case "detector": {
      const graph = detectorModel(checkpoint, withBounds(model.info, bounds), backbone)
      return { kind: "detector", weights, ...write(graph, out, model.info.classes.length) }
    }
    case "classifier": {
      if (bounds.score !== undefined || bounds.nms !== undefined) {
        throw new UsageError(`export: --score and --nms go with detectors; ${weights} is a classifier`)
      }
      const graph = classifierModel(checkpoint, model.info)
      return { kind: "classifier", weights, ...write(graph, out, model.info.classes.length) }
    }
    default:
      throw new DataError(
        `${weights}: expected a detector or a classifier of resdet's. See resdet train, resdet import`,
      )
  }
}

function write(model: OnnxModel, out: string, classes: number) {
  writeWhole(out, encodeModel(model))
  return { out, model: model.name, classes, operations: model.nodes.length }
}

function withBounds(info: DetectorInfo, { score, nms }: ExportBounds): DetectorInfo {
  const { config } = info
  const select = {
    ...config.options.select,
    ...(score === undefined ? {} : { score }),
    ...(nms === undefined ? {} : { nmsThreshold: nms }),
  }
  return { ...info, config: { ...config, options: { ...config.options, select } } }
}
