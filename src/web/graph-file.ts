import type { SizeOptions } from "../../datasets/image/size.js"
import { DataError } from "../core/errors.js"
import type { Normalisation } from "../core/normalisation.js"
import { cutGraph } from "../onnx/cut-graph.js"
import type { DetectorBounds } from "../onnx/detector-bounds.js"
import { networkPart } from "../onnx/network-part.js"
import { readMetadata } from "../onnx/read-model.js"
import { metadataFormat, metadataKeys } from "../weights/metadata-keys.js"

/** What a page needs to know of a detector. */
export interface DetectorFacts {
  /** Such as `fasterrcnn_resnet50_fpn`. */
  readonly model: string
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  /** The training set's own id of each class. */
  readonly categoryIds: readonly (number | string)[]
  /** The score threshold of the highest F1 in the validation of its weights; undefined where none was made. */
  readonly bestScore: number | undefined
  readonly select: Partial<DetectorBounds>
  readonly sizes: SizeOptions
  readonly input: Normalisation
}

/** A detector's file with the `networkPart` of its graph. */
export interface GraphFile {
  readonly facts: DetectorFacts
  readonly bytes: Uint8Array<ArrayBuffer>
}

/**
 * @param file its name, for messages
 * @throws DataError when it is no detector that `resdet export` wrote
 */
export function readGraphFile(file: string, bytes: Uint8Array): GraphFile {
  const facts = factsOf(file, bytes)
  try {
    return { facts, bytes: joined(cutGraph(bytes, networkPart)) }
  } catch (error) {
    throw new DataError(`${file}: ${(error as Error).message}, as an older resdet wrote it. Export it again`)
  }
}

function factsOf(file: string, bytes: Uint8Array): DetectorFacts {
  let metadata: Record<string, string>
  try {
    metadata = readMetadata(bytes)
  } catch (error) {
    throw new DataError(`${file}: not a whole ONNX file (${(error as Error).message})`)
  }
  const text = metadata[metadataKeys.detector]
  if (text === undefined) throw new DataError(`${file}: expected a detector that "resdet export" wrote`)
  const { format, config, classes, categoryIds, training } = JSON.parse(text) as StoredFacts
  if (format !== metadataFormat) {
    throw new DataError(`${file}: written by another version of resdet (format ${format}, expected ${metadataFormat})`)
  }
  return {
    model: config.model,
    classes,
    categoryIds,
    bestScore: training?.bestScore,
    select: config.options.select,
    sizes: config,
    input: config.input,
  }
}

/** What `detectorMetadata` writes, as far as it is read here. */
interface StoredFacts {
  readonly format: number
  readonly config: SizeOptions & {
    readonly model: string
    readonly input: Normalisation
    readonly options: { readonly select: Partial<DetectorBounds> }
  }
  readonly classes: readonly string[]
  readonly categoryIds: readonly (number | string)[]
  readonly training?: { readonly bestScore?: number }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}
