import type { RgbImage } from "../../datasets/image/rgb.js"
import type { PhotoSource } from "../../datasets/open-sample.js"
import type { Detections } from "../boxes/boxes.js"
import type { DetectOptions } from "../detector/detect-options.js"
import type { EngineName, Precision } from "../engine/names.js"

/** What prediction needs of a detector; no tensor passes through this door. */
export interface PixelDetector {
  /** Names of the classes 1..K: label k is `classes[k - 1]`. */
  readonly classes: readonly string[]
  /** The training set's own id of each class, such as COCO's 1..90 with gaps; 1..K when absent. */
  readonly categoryIds?: readonly (number | string)[]
  /** The score threshold of the highest F1 in the validation of its weights, where one detector was validated. */
  readonly bestScore?: number | undefined
  /** What runs it. */
  readonly engine: EngineName | "onnx"
  /** What it computes in, `float32` where left out. */
  readonly precision?: Precision
  /** Boxes in image pixels, best score first. */
  detect(image: RgbImage, options: DetectOptions): Promise<Detections>
  dispose(): void
}

/** What runs a detector, for people. */
export const engineLine = ({ engine, precision = "float32" }: Pick<PixelDetector, "engine" | "precision">): string =>
  `engine: ${engine}, precision: ${precision}`

/**
 * Decodes an image file, or its bytes, as upright RGB pixels; makes such of decoded ones.
 * @throws DataError when it cannot be read
 */
export type DecodeImage = (image: PhotoSource) => Promise<RgbImage>
