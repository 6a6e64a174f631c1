import { UsageError } from "../../src/core/errors.js"
import type { SizeRule } from "../../src/core/size-rule.js"

/** How large an image enters the model. */
export interface SizeOptions {
  /** Length of the shorter side in input pixels. */
  readonly size: number
  /** The longer side grows no longer than this; the shorter one then stays below `size`. */
  readonly maxSize: number
  /** How the sides are rounded; `exact` when left out. */
  readonly sizeRule?: SizeRule
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
 * the longer one would pass `maxSize`, then rounded by the rule.
 */
export function inputSize(height: number, width: number, options: SizeOptions = sizeDefaults): InputSize {
  const { size, maxSize, sizeRule = "exact" } = options
  if (!(size >= 1 && maxSize >= 1))
    throw new UsageError(`inputSize: expected sizes of 1 or more, got ${size}, ${maxSize}`)
  const [newHeight, newWidth] = rules[sizeRule](height, width, size, maxSize).map((side) => Math.max(1, side))
  return { height: newHeight!, width: newWidth!, scaleY: newHeight! / height, scaleX: newWidth! / width }
}

type Sides = readonly [height: number, width: number]

const rules: Readonly<Record<SizeRule, (height: number, width: number, size: number, maxSize: number) => Sides>> = {
  exact(height, width, size, maxSize) {
    const [short, long] = [Math.min(height, width), Math.max(height, width)]
    // size / short <= maxSize / long without dividing: a quotient would lose a pixel in the floor.
    const [to, from] = size * long <= maxSize * short ? [size, short] : [maxSize, long]
    return [Math.floor((height * to) / from), Math.floor((width * to) / from)]
  },
  /** @source torchvision 0.29 `GeneralizedRCNNTransform`; in 0.14 the scale was a float32 */
  torchvision(height, width, size, maxSize) {
    const scale = Math.min(size / Math.min(height, width), maxSize / Math.max(height, width))
    return [Math.floor(height * scale), Math.floor(width * scale)]
  },
  /** @source detectron2 data/transforms/augmentation_impl.py: `ResizeShortestEdge.get_output_shape` */
  detectron2(height, width, size, maxSize) {
    const scale = size / Math.min(height, width)
    const [tall, wide] = height < width ? [size, scale * width] : [scale * height, size]
    const less = Math.max(tall, wide) > maxSize ? maxSize / Math.max(tall, wide) : 1
    return [Math.floor(tall * less + 0.5), Math.floor(wide * less + 0.5)]
  },
  /** @source py-faster-rcnn lib/utils/blob.py: `prep_im_for_blob`, and OpenCV's rounding in `resize` */
  paper(height, width, size, maxSize) {
    const [short, long] = [Math.min(height, width), Math.max(height, width)]
    const scale = size / short
    const used = toEven(scale * long) > maxSize ? maxSize / long : scale
    return [toEven(height * used), toEven(width * used)]
  },
}

/** To the nearest whole number, a half to the even one. */
function toEven(value: number): number {
  const below = Math.floor(value)
  const isHalf = value - below === 0.5
  return isHalf ? below + (below % 2) : Math.round(value)
}

/** The next multiple of `divisor` that is not below `length`. */
export function padTo(length: number, divisor: number): number {
  return Math.ceil(length / divisor) * divisor
}
