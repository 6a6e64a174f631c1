import { cutRgb } from "../../datasets/image/cut.js"
import { resizeInto } from "../../datasets/image/resize.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import type { Boxes } from "../boxes/boxes.js"
import type { Crop } from "./crop.js"

/** How values enter: `(value / 255 - mean) / deviation`, RGB. */
export interface Normalisation {
  readonly mean: readonly [number, number, number]
  readonly deviation: readonly [number, number, number]
}

/** The whole image at `[height, width]` input pixels: `[height * width * 3]` normalised. */
export function wholePixels(
  image: RgbImage,
  [height, width]: readonly [number, number],
  { mean, deviation }: Normalisation,
): Float32Array {
  const out = new Float32Array(height * width * 3)
  resizeInto(image, { out, offset: 0, rowStride: 3 * width, height, width, flip: false, mean, deviation })
  return out
}

/** Writes a crop's pixels `[side * side * 3]` to `out` from `offset` on. */
export function cropPixels(
  image: RgbImage,
  { size, top, left, side, flip }: Crop,
  normalisation: Normalisation,
  out: Float32Array,
  offset: number,
): void {
  const whole = wholePixels(image, [size.height, size.width], normalisation)
  for (let y = 0; y < side; y++) {
    const from = 3 * ((top + y) * size.width + left)
    const to = offset + 3 * y * side
    if (!flip) out.set(whole.subarray(from, from + 3 * side), to)
    else for (let x = 0; x < side; x++) out.set(whole.subarray(from + 3 * x, from + 3 * x + 3), to + 3 * (side - 1 - x))
  }
}

/**
 * The whole pixels that a box touches, at least one: what is cut out for it, and what its deltas refer to.
 * @param box x1, y1, x2, y2 in image pixels
 */
export function wholePixelBox(box: ArrayLike<number>, { height, width }: RgbImage): Float32Array {
  const x1 = Math.min(Math.max(Math.floor(box[0]!), 0), width - 1)
  const y1 = Math.min(Math.max(Math.floor(box[1]!), 0), height - 1)
  const x2 = Math.min(Math.max(Math.ceil(box[2]!), x1 + 1), width)
  const y2 = Math.min(Math.max(Math.ceil(box[3]!), y1 + 1), height)
  return Float32Array.of(x1, y1, x2, y2)
}

/**
 * Cuts a region out and warps it to a square `[side * side * 3]`, written to `out` from `offset` on.
 * @param box of `wholePixelBox`
 */
export function warpPixels(
  image: RgbImage,
  box: Boxes,
  { side, flip }: { side: number; flip: boolean },
  { mean, deviation }: Normalisation,
  out: Float32Array,
  offset: number,
): void {
  const target = { out, offset, rowStride: 3 * side, height: side, width: side, flip, mean, deviation }
  resizeInto(cutRgb(image, box as unknown as [number, number, number, number]), target)
}
