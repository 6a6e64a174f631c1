import type { Parameter } from "../core/parameters.js"
import { toTorchAxes } from "./axes.js"
import { type ClassifierInfo, classifierMetadata, type DetectorInfo, detectorMetadata } from "./model-info.js"
import { writeSafetensors } from "./safetensors.js"

/**
 * Writes a model with PyTorch's axes, so that torchvision reads it and `Checkpoint` gives back every bit; beside and
 * renamed, so that a broken write leaves the old file.
 * @throws DataError when the file cannot be written
 */
export function saveWeights(
  path: string,
  parameters: Iterable<Parameter>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const tensors = [...parameters].map(({ name, variable }) => {
    const values = variable.dataSync<"float32">()
    return [name, toTorchAxes({ shape: variable.shape, values })] as const
  })
  writeSafetensors(path, tensors, metadata)
}

/** Writes a detector with all that is needed to run it. */
export function saveDetector(path: string, parameters: Iterable<Parameter>, info: DetectorInfo): void {
  saveWeights(path, parameters, detectorMetadata(info))
}

/** Writes a classifier with all that is needed to run it. */
export function saveClassifier(path: string, parameters: Iterable<Parameter>, info: ClassifierInfo): void {
  saveWeights(path, parameters, classifierMetadata(info))
}
