import type { RgbImage } from "../../datasets/image/rgb.js"
import { ahead } from "../../datasets/loader/ahead.js"
import type { Detections } from "../boxes/boxes.js"
import { UserError } from "../core/errors.js"
import type { DetectOptions } from "../detector/detect-options.js"
import type { DecodeImage, PixelDetector } from "./pixel-detector.js"
import type { SourceImage } from "./source-image.js"

/** One object that was found. */
export interface Detection {
  /** The class's name. */
  readonly label: string
  /** 1..K: the class's place among the detector's classes. */
  readonly classId: number
  /** 0..1. */
  readonly score: number
  /** x1, y1, x2, y2 in pixels of the image file (upright), 0-based, the width being x2 - x1. */
  readonly box: readonly [number, number, number, number]
}

/** What was found in one image, best score first. */
export interface ImageDetections {
  readonly width: number
  readonly height: number
  readonly detections: readonly Detection[]
}

/** One image of a source with what was found in it, or why it could not be read. */
export type DetectedImage =
  | (ImageDetections & { readonly image: SourceImage; readonly pixels: RgbImage; readonly error?: never })
  | { readonly image: SourceImage; readonly error: UserError }

/** How many images are decoded ahead of the network. */
const decodeAhead = 2

/** Finds objects in decoded pixels, as plain objects. */
export async function detectPixels(
  network: PixelDetector,
  pixels: RgbImage,
  options: DetectOptions,
): Promise<ImageDetections> {
  const { width, height } = pixels
  return { width, height, detections: plainObjects(await network.detect(pixels, options), network.classes) }
}

/**
 * Finds objects in one image after the other while the next ones are decoded. An image that cannot be read is handed
 * over with its error. An aborted signal ends the iteration after the image at hand.
 * @throws whatever is not a user's error: that is a bug, and stops
 */
export async function* detectImages(
  network: PixelDetector,
  decode: DecodeImage,
  images: AsyncIterable<SourceImage>,
  options: DetectOptions,
  signal?: AbortSignal,
): AsyncGenerator<DetectedImage> {
  if (signal?.aborted) return
  const open = ({ file, bytes }: SourceImage) => decode(bytes ?? file).catch(userError)
  for await (const { item: image, result } of ahead(images, open, decodeAhead)) {
    if (signal?.aborted) return
    if (result instanceof UserError) yield { image, error: result }
    else yield { image, pixels: result, ...(await detectPixels(network, result, options)) }
    if (signal?.aborted) return
  }
}

/** A user's mistake as a value. @throws what is a bug */
export function userError(error: unknown): UserError {
  if (error instanceof UserError) return error
  throw error
}

function plainObjects({ boxes, scores, labels }: Detections, classes: readonly string[]): Detection[] {
  return Array.from(scores, (score, d) => {
    const classId = labels[d]!
    const [x1, y1, x2, y2] = boxes.subarray(d * 4, d * 4 + 4)
    return { label: classes[classId - 1]!, classId, score, box: [x1!, y1!, x2!, y2!] }
  })
}
