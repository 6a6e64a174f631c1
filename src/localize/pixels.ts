import { cropImage } from "../../datasets/image/region.js"
import { resizeInto } from "../../datasets/image/resize.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import type { Boxes } from "../boxes/boxes.js"
import type { Normalisation } from "../core/normalisation.js"

/** The whole image at `[height, width]` input pixels: `[height * width * 3]` normalised. */
export function wholePixels(
  image: RgbImage,
  [height, width]: readonly [number, number],
  { mean, std }: Normalisation,
): Float32Array {
  const out = new Float32Array(height * width * 3)
  resizeInto(image, { out, offset: 0, rowStride: 3 * width, height, width, flip: false, mean, std })
  return out
}

/**
 * Cuts a region out and warps it to a square `[side * side * 3]`, written to `out` from `offset` on.
 * @param box of `wholePixelBox`
 */
export function warpPixels(
  image: RgbImage,
  box: Boxes,
  { side, flip }: { side: number; flip: boolean },
  { mean, std }: Normalisation,
  out: Float32Array,
  offset: number,
): void {
  const target = { out, offset, rowStride: 3 * side, height: side, width: side, flip, mean, std }
  resizeInto(cropImage(image, box), target)
}
