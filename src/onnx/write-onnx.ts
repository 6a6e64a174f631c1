import { DataError, UsageError } from "../tensor/errors.js"
import { readClassifierInfo } from "../weights/classifier-file.js"
import { type DetectorInfo, readDetectorInfo } from "../weights/detector-file.js"
import { writeWholeFile } from "../weights/whole-file.js"
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
export function writeOnnx(weights: string, out: string, bounds: ExportBounds = {}): WrittenGraph {
  if (!out.endsWith(".onnx")) throw new UsageError(`export: expected --out to end in .onnx, got "${out}"`)
  const detector = readDetectorInfo(weights)
  if (detector !== undefined) {
    const model = detectorModel(weights, withBounds(detector, bounds))
    return { kind: "detector", weights, ...write(model, out, detector.classes.length) }
  }
  const classifier = readClassifierInfo(weights)
  if (classifier === undefined) {
    throw new DataError(`${weights}: expected a detector or a classifier of resdet's. See resdet train, resdet import`)
  }
  if (bounds.score !== undefined || bounds.nms !== undefined) {
    throw new UsageError(`export: --score and --nms go with detectors; ${weights} is a classifier`)
  }
  return { kind: "classifier", weights, ...write(classifierModel(weights, classifier), out, classifier.classes.length) }
}

function write(model: OnnxModel, out: string, classes: number) {
  writeWholeFile(out, encodeModel(model))
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
