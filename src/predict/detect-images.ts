import type { RgbImage } from "../../datasets/image/rgb.js"
import { ahead } from "../../datasets/loader/ahead.js"
import { UserError } from "../core/errors.js"
import type { DetectOptions } from "../detector/detect-options.js"
import { type ImageDetections, plainDetections } from "./detection.js"
import type { DecodeImage, PixelDetector } from "./pixel-detector.js"
import type { SourceImage } from "./source-image.js"

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
  return { width, height, detections: plainDetections(await network.detect(pixels, options), network.classes) }
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
