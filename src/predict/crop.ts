import { cutRgb } from "../../datasets/image/cut.js"
import type { Detection } from "./detect-images.js"
import type { Pixels } from "./pixel-detector.js"

/**
 * The part of a photo that a box covers, rounded outwards to whole pixels and cut to the photo.
 * @param box x1, y1, x2, y2 in image pixels
 * @returns undefined when no pixel of the photo lies in the box
 */
export function cropPixels({ data, width, height }: Pixels, box: Detection["box"]): Pixels | undefined {
  const left = Math.max(0, Math.floor(box[0]))
  const top = Math.max(0, Math.floor(box[1]))
  const right = Math.min(width, Math.ceil(box[2]))
  const bottom = Math.min(height, Math.ceil(box[3]))
  if (right <= left || bottom <= top) return undefined
  const cut = cutRgb({ pixels: data, width, height }, [left, top, right, bottom])
  return { data: cut.pixels, width: cut.width, height: cut.height }
}
