import { cutRgb } from "./cut.js"
import type { RgbImage } from "./rgb.js"

/** The whole pixels that a box (image pixels) touches, at least one, as a box: what is cut out for it. */
export function wholePixelBox(
  box: ArrayLike<number>,
  { height, width }: Pick<RgbImage, "height" | "width">,
): Float32Array {
  const x1 = Math.min(Math.max(Math.floor(box[0]!), 0), width - 1)
  const y1 = Math.min(Math.max(Math.floor(box[1]!), 0), height - 1)
  const x2 = Math.min(Math.max(Math.ceil(box[2]!), x1 + 1), width)
  const y2 = Math.min(Math.max(Math.ceil(box[3]!), y1 + 1), height)
  return Float32Array.of(x1, y1, x2, y2)
}

/** The part of a picture that `wholePixelBox` of a box covers. */
export function cropImage(image: RgbImage, box: ArrayLike<number>): RgbImage {
  const [x1, y1, x2, y2] = wholePixelBox(box, image) as unknown as [number, number, number, number]
  return cutRgb(image, [x1, y1, x2, y2])
}
