import { cutWindow } from "../../datasets/image/augment.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { inputSize } from "../../datasets/image/size.js"
import { UsageError } from "../core/errors.js"
import type { Normalisation } from "../core/normalisation.js"
import { centreCrop } from "./crop.js"
import { wholePixels } from "./pixels.js"

/** How an image is looked at in testing. */
export interface ViewOptions {
  /** `dense`: the whole image, the network run fully convolutionally. `centre`: one crop from its middle. */
  readonly view: "dense" | "centre"
  /** Lengths of the shorter side, in input pixels; `dense` looks at each. */
  readonly sizes: readonly number[]
}

/** @source He et al. 2015, Table 13: 1-crop (section 3.4: shorter side 256), or dense at scales that are not given */
export const viewDefaults: ViewOptions = { view: "dense", sizes: [256] }

/** An image ready for the network, and the way back. */
export interface View {
  /** `[H * W * 3]` normalised RGB. */
  readonly pixels: Float32Array
  readonly height: number
  readonly width: number
  /** Image pixels = (input pixels + left or top) / scale. */
  readonly left: number
  readonly top: number
  readonly scaleX: number
  readonly scaleY: number
}

/**
 * The views of an image.
 * @param side of a crop, in input pixels; a shorter side below it is refused for `centre`
 * @throws UsageError
 */
export function viewsOf(
  image: RgbImage,
  { view, sizes }: ViewOptions,
  side: number,
  normalisation: Normalisation,
): View[] {
  return sizes.map((shorter) => {
    if (view === "dense") {
      const size = inputSize(image.height, image.width, { size: shorter, maxSize: Number.POSITIVE_INFINITY })
      return { ...size, pixels: wholePixels(image, [size.height, size.width], normalisation), left: 0, top: 0 }
    }
    if (shorter < side) {
      throw new UsageError(`viewsOf: expected sizes of at least the crop's side, ${side}, got ${shorter}`)
    }
    const crop = centreCrop([image.height, image.width], shorter, side)
    const pixels = new Float32Array(side * side * 3)
    cutWindow(image, crop, { out: pixels, offset: 0, size: side, ...normalisation })
    const { left, top, scaleX, scaleY } = crop
    return { pixels, height: side, width: side, left, top, scaleX, scaleY }
  })
}

/** Boxes of a view, in input pixels, as image pixels. */
export function toImage(boxes: Float32Array, { left, top, scaleX, scaleY }: View): Float32Array {
  return boxes.map((value, at) => (at % 2 === 0 ? (value + left) / scaleX : (value + top) / scaleY))
}
