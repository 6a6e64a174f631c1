import { readFileSync } from "node:fs"
import { DataError } from "../core/errors.js"
import { nameOfWeights, type WeightsSource } from "../weights/open-file.js"
import { readMetadata } from "./read-model.js"

/** An ONNX file in memory. */
export interface OnnxFile {
  readonly bytes: Uint8Array
  /** Texts about the model. */
  readonly metadata: Readonly<Record<string, string>>
}

/** @throws DataError when the file cannot be read, or is not a whole ONNX file */
export function readOnnxFile(source: WeightsSource): OnnxFile {
  const bytes = typeof source === "string" ? readFile(source) : source
  try {
    return { bytes, metadata: readMetadata(bytes) }
  } catch (error) {
    throw new DataError(`${nameOfWeights(source)}: not a whole ONNX file (${(error as Error).message})`)
  }
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new DataError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
