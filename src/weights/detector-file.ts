import { buildFasterRcnn } from "../detector/build.js"
import type { FasterRcnn } from "../detector/faster-rcnn.js"
import { completeConfig, type ModelConfig } from "../detector/model.js"
import { DataError } from "../tensor/errors.js"
import type { Parameter, Parameters } from "../tensor/parameters.js"
import { readContents, saveWeights } from "./load.js"
import { fillModel, infoMetadata, parseInfo } from "./model-info.js"

/** What a detector's file tells beside its weights. */
export interface DetectorInfo {
  readonly config: ModelConfig
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  /** The training data's own ids of the classes. */
  readonly categoryIds: readonly number[]
  /** How it was trained and how well it does, for people. */
  readonly training: Readonly<Record<string, unknown>>
}

/** The metadata key under which `DetectorInfo` stands in the file, as JSON. */
const detectorKey = "resdet"

/** The metadata that make a file a detector's. */
export const detectorMetadata = (info: DetectorInfo) => infoMetadata(detectorKey, info)

/** Writes a detector with all that is needed to run it; beside and renamed, so that a broken write leaves the old file. */
export function saveDetector(path: string, parameters: Iterable<Parameter>, info: DetectorInfo): void {
  saveWeights(path, parameters, detectorMetadata(info))
}

/** What the file at `path` tells of itself; `undefined` for plain weights, such as a backbone's. */
export const readDetectorInfo = (path: string) => detectorInfo(path, readContents(path).metadata)

/** What the metadata of the file at `path` tell; `undefined` where they are no detector's. */
export function detectorInfo(path: string, metadata: Readonly<Record<string, string>>): DetectorInfo | undefined {
  const info = parseInfo<DetectorInfo>(path, metadata, detectorKey, "the detector")
  return info && { ...info, config: completeConfig(info.config) }
}

/** A detector that has been read from its file. */
export interface OpenDetector extends DetectorInfo {
  readonly detector: FasterRcnn
  readonly parameters: Parameters
}

/**
 * Reads a trained detector. The engine must have been started.
 * @throws DataError when the file is no detector of resdet's, or lacks a part
 */
export function openDetector(path: string): OpenDetector {
  const info = readDetectorInfo(path)
  if (info === undefined) {
    throw new DataError(`${path}: expected a trained detector, got plain weights. Train one with --weights ${path}`)
  }
  const build = (parameters: Parameters) => buildFasterRcnn(parameters, info.config, info.classes.length)
  const { model, parameters } = fillModel(path, build)
  return { ...info, detector: model, parameters }
}
