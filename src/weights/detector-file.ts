import { buildFasterRcnn } from "../detector/build.js"
import type { FasterRcnn } from "../detector/faster-rcnn.js"
import type { ModelConfig } from "../detector/model.js"
import { DataError } from "../tensor/errors.js"
import { type Parameter, Parameters } from "../tensor/parameters.js"
import { seededRandom } from "../tensor/random.js"
import { loadWeights, readContents, saveWeights } from "./load.js"

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
const INFO = "resdet"
const FORMAT = 1

/** The metadata that make a file a detector's. */
export function detectorMetadata(info: DetectorInfo): Record<string, string> {
  const { config, classes, categoryIds, training } = info
  return { [INFO]: JSON.stringify({ format: FORMAT, config, classes, categoryIds, training }) }
}

/** Writes a detector with all that is needed to run it; beside and renamed, so that a broken write leaves the old file. */
export function saveDetector(path: string, parameters: Iterable<Parameter>, info: DetectorInfo): void {
  saveWeights(path, parameters, detectorMetadata(info))
}

/** What the file at `path` tells of itself; `undefined` for plain weights, such as a backbone's. */
export function readDetectorInfo(path: string): DetectorInfo | undefined {
  return parseDetectorInfo(path, readContents(path).metadata)
}

/** What the metadata of a file tell; `undefined` where they are no detector's. */
export function parseDetectorInfo(path: string, metadata: Readonly<Record<string, string>>): DetectorInfo | undefined {
  const text = metadata[INFO]
  if (text === undefined) return undefined
  try {
    const info = JSON.parse(text) as DetectorInfo & { format: number }
    if (info.format !== FORMAT)
      throw new DataError(`${path}: written by a newer version of resdet (format ${info.format})`)
    return info
  } catch (error) {
    if (error instanceof DataError) throw error
    throw new DataError(`${path}: its description of the detector is broken: ${(error as Error).message}`)
  }
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
  const parameters = new Parameters(seededRandom(0), loadWeights(path).weights)
  const detector = buildFasterRcnn(parameters, info.config, info.classes.length)
  const [missing] = parameters.initialised
  if (missing !== undefined) {
    parameters.dispose()
    throw new DataError(`${path}: "${missing}" is missing or has the wrong shape. The file is incomplete`)
  }
  return { ...info, detector, parameters }
}
