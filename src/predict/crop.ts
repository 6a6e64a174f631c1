import { cropImage } from "../../datasets/image/region.js"
import type { Detection } from "./detect-images.js"
import type { Pixels } from "./pixel-detector.js"

/**
 * The part of a photo that a box covers, rounded outwards to whole pixels and cut to the photo.
 * @param box x1, y1, x2, y2 in image pixels
 * @returns undefined when no pixel of the photo lies in the box
 */
export function cropPixels({ data, width, height }: Pixels, box: Detection["box"]): Pixels | undefined {
  const [x1, y1, x2, y2] = box
  if (x2 <= Math.max(x1, 0) || y2 <= Math.max(y1, 0) || x1 >= width || y1 >= height) return undefined
  const { pixels, ...size } = cropImage({ pixels: data, width, height }, box)
  return { data: pixels, ...size }
}
