import { UsageError } from "../../src/core/errors.js"

/** How large an image enters the model. */
export interface SizeOptions {
  /** Length of the shorter side in input pixels. */
  readonly size: number
  /** The longer side grows no longer than this; the shorter one then stays below `size`. */
  readonly maxSize: number
}

/** @source torchvision `models/detection/faster_rcnn.py` (min_size 800, max_size 1333) */
export const sizeDefaults: SizeOptions = { size: 800, maxSize: 1333 }

/** Height and width of an input are multiples of this. @source torchvision `GeneralizedRCNNTransform` size_divisible */
export const inputDivisor = 32

/** The size of a resized image and how boxes come there: input pixels = image pixels * scale. */
export interface InputSize {
  readonly height: number
  readonly width: number
  readonly scaleY: number
  readonly scaleX: number
}

/**
 * The size at which an image of `height` x `width` enters the model: scaled so that the shorter side is `size` unless
 * the longer one would pass `maxSize`, then rounded down.
 * @source torchvision 0.29 `GeneralizedRCNNTransform`, whose scale is a float64; in 0.14 it was a float32, which makes some
 * sizes one pixel smaller (480 at size 400 becomes 399). Ours is exact.
 */
export function inputSize(height: number, width: number, options: SizeOptions = sizeDefaults): InputSize {
  const { size, maxSize } = options
  if (!(size >= 1 && maxSize >= 1))
    throw new UsageError(`inputSize: expected sizes of 1 or more, got ${size}, ${maxSize}`)
  const short = Math.min(height, width)
  const long = Math.max(height, width)
  // size / short <= maxSize / long without dividing: a quotient would lose a pixel in the floor.
  const [to, from] = size * long <= maxSize * short ? [size, short] : [maxSize, long]
  const newHeight = Math.max(1, Math.floor((height * to) / from))
  const newWidth = Math.max(1, Math.floor((width * to) / from))
  return { height: newHeight, width: newWidth, scaleY: newHeight / height, scaleX: newWidth / width }
}

/** The next multiple of `divisor` that is not below `length`. */
export function padTo(length: number, divisor: number): number {
  return Math.ceil(length / divisor) * divisor
}
