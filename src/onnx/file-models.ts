import type { BackboneSpec } from "../backbone/backbone.js"
import { DataError } from "../core/errors.js"
import type { Weights } from "../core/parameters.js"
import { detectorSpec, ownDetectorSpec } from "../detector/detector-spec.js"
import type { NormKind } from "../layers/ops.js"
import { toTorchAxes } from "../weights/axes.js"
import type { Checkpoint } from "../weights/checkpoint.js"
import { type ClassifierInfo, classifierMetadata, type DetectorInfo, detectorMetadata } from "../weights/model-info.js"
import { detectorWeights } from "../weights/plan.js"
import { classifierGraph } from "./classifier-graph.js"
import { detectorGraph } from "./detector-graph.js"
import type { WeightSource } from "./graph.js"
import type { OnnxModel } from "./model.js"

/**
 * The graph of the detector in a weights file, its batch norms folded; what the file tells of it stands in the graph's
 * metadata.
 * @param backbone the one it was trained with, where a program brought it
 * @throws UsageError for a detector that has no graph yet, DataError when the file lacks a layer
 */
export function detectorModel(checkpoint: Checkpoint, info: DetectorInfo, backbone?: BackboneSpec): OnnxModel {
  const { model, norm, conv5Norm, headNorm } = info.config
  const folded = { model, norm: foldedNorm(norm), conv5Norm: foldedNorm(conv5Norm), headNorm: foldedNorm(headNorm) }
  const weights = weightSource(checkpoint.path, detectorWeights(checkpoint, folded))
  const config = { ...info.config, ...folded }
  const spec = backbone === undefined ? detectorSpec(config) : ownDetectorSpec(backbone, config)
  return detectorGraph(config, info.classes.length, weights, detectorMetadata(info), spec)
}

/**
 * The graph of the classifier in a weights file, its batch norms folded; metadata as above.
 * @throws DataError when the file lacks a layer
 */
export function classifierModel(checkpoint: Checkpoint, info: ClassifierInfo): OnnxModel {
  const weights = weightSource(checkpoint.path, checkpoint.weights({ norm: "frozen" }))
  return classifierGraph(info.config, info.classes.length, weights, classifierMetadata(info))
}

/** A norm once nothing learns: a batch norm, frozen or not, is folded into its convolution. */
const foldedNorm = (norm: NormKind): NormKind => (norm === "group" ? "group" : "frozen")

/** The weights of a file in ONNX's axes, which are PyTorch's. */
function weightSource(path: string, weights: Weights): WeightSource {
  return (name) => {
    const weight = weights.get(name)
    if (weight === undefined) throw new DataError(`${path}: holds no tensor "${name}". The file is incomplete`)
    return toTorchAxes(weight)
  }
}
