import { cropImage } from "../../datasets/image/region.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import type { Detection } from "./detection.js"

/**
 * The part of a photo that a box covers, rounded outwards to whole pixels and cut to the photo.
 * @param box x1, y1, x2, y2 in image pixels
 * @returns undefined when no pixel of the photo lies in the box
 */
export function cropDetection(image: RgbImage, box: Detection["box"]): RgbImage | undefined {
  const [x1, y1, x2, y2] = box
  const isOutside = x2 <= Math.max(x1, 0) || y2 <= Math.max(y1, 0) || x1 >= image.width || y1 >= image.height
  return isOutside ? undefined : cropImage(image, box)
}
