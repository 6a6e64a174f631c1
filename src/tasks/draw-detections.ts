import type { RgbImage } from "../../datasets/image/rgb.js"
import type { Detection } from "../predict/detection.js"
import { type DrawingOptions, decodePixels, drawDetections as drawOn } from "../predict/images.js"

/**
 * A photo with boxes, labels and scores drawn on it, the best on top.
 * @param image a path, the bytes of an image file, or decoded RGB pixels
 * @param detections boxes `[x1, y1, x2, y2]` in image pixels
 * @param options width of the lines in pixels; whether labels, or their scores, are left out
 * @returns the bytes of a JPEG file
 * @throws DataError when the image cannot be read
 */
export async function drawDetections(
  image: string | Uint8Array | RgbImage,
  detections: readonly Detection[],
  options: DrawingOptions = {},
): Promise<Uint8Array> {
  return drawOn(
    typeof image === "string" || image instanceof Uint8Array ? await decodePixels(image) : image,
    detections,
    options,
  )
}
