import { DataError } from "../tensor/errors.js"
import { type ClassifierInfo, classifierMetadata } from "../weights/classifier-file.js"
import { type DetectorInfo, detectorMetadata } from "../weights/detector-file.js"
import { loadWeights } from "../weights/load.js"
import { SafetensorsFile } from "../weights/safetensors.js"
import { toTorchAxes } from "../weights/torchvision.js"
import { classifierGraph } from "./classifier-graph.js"
import { detectorGraph } from "./detector-graph.js"
import type { WeightSource } from "./graph.js"
import type { OnnxModel } from "./model.js"

/**
 * The graph of the detector in a weights file; what the file tells of it stands in the graph's metadata.
 * @throws UsageError for a kind of detector that has no graph yet, DataError when the file lacks a layer
 */
export function detectorModel(path: string, info: DetectorInfo): OnnxModel {
  const file = new SafetensorsFile(path)
  // Its axes are ONNX's, and its norms are folded: nothing has to be moved.
  const weights = (name: string) => ({ values: file.read(name), shape: file.entries.get(name)!.shape })
  return detectorGraph(info.config, info.classes.length, weights, detectorMetadata(info))
}

/**
 * The graph of the classifier in a weights file, its batch norms folded; metadata as above.
 * @throws DataError when the file lacks a layer
 */
export function classifierModel(path: string, info: ClassifierInfo): OnnxModel {
  const { weights } = loadWeights(path, { norm: "frozen" })
  const source: WeightSource = (name) => {
    const weight = weights.get(name)
    if (weight === undefined) throw new DataError(`${path}: holds no tensor "${name}". The file is incomplete`)
    return toTorchAxes(weight)
  }
  return classifierGraph(info.config, info.classes.length, source, classifierMetadata(info))
}
