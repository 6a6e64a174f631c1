import { drawWindow, type ScaledWindow } from "../../datasets/image/augment.js"
import { inputSize } from "../../datasets/image/size.js"
import { type Boxes, boxCount } from "../boxes/boxes.js"
import { clipBoxes, takeBoxes } from "../boxes/clip.js"
import { boxArea } from "../boxes/iou.js"
import { atLeastOne, fraction, type Rule, withDefaults } from "../core/options.js"
import type { Random } from "../core/random.js"
import type { ClassTruths } from "./truths.js"

export interface CropOptions {
  /** Height and width of a crop, in input pixels. */
  readonly side: number
  /** The shorter side of the resized image is drawn from these two, both included. */
  readonly shorter: readonly [least: number, most: number]
  /** The chance that a crop is mirrored. */
  readonly flip: number
  /** An object of which a smaller share than this is inside the crop is no object there, nor background. */
  readonly minVisible: number
  /** So many crops are tried until one shows an object. */
  readonly attempts: number
}

/**
 * @source He et al. 2015, section 3.4, which appendix C refers to: 224 crops of an image, or its mirror image, whose
 * shorter side is drawn from 256 to 480. The paper does not say what becomes of objects that a crop cuts: the last two
 * are ours.
 */
export const cropDefaults: CropOptions = { side: 224, shorter: [256, 480], flip: 0.5, minVisible: 0.3, attempts: 10 }

const shorterRule: Rule = (value) => {
  const [least, most] = value as readonly number[]
  return Number.isInteger(least) && Number.isInteger(most) && least! >= 1 && most! >= least!
    ? undefined
    : "two whole numbers, the smaller first"
}

/** @throws UsageError for an unknown option, a value out of range, or crops larger than the images */
export const cropOptions = (overrides: Partial<CropOptions> = {}): CropOptions =>
  withDefaults("cropOptions", cropDefaults, overrides, {
    shorter: (value) =>
      shorterRule(value) ??
      ((value as readonly number[])[0]! < (overrides.side ?? cropDefaults.side)
        ? `at least the crop's side, ${overrides.side ?? cropDefaults.side}`
        : undefined),
    side: atLeastOne,
    flip: fraction,
    minVisible: fraction,
    attempts: atLeastOne,
  })

/** A square cut out of a resized image: input pixels = image pixels * scale - left or top. */
export interface Crop extends ScaledWindow {
  readonly side: number
  readonly scaleX: number
  readonly scaleY: number
}

/**
 * Draws a crop of an image; one that shows an object, where a few attempts find any.
 * @param image `[height, width]` in image pixels
 * @param objects `[G * 4]` image pixels
 */
export function drawCrop(
  [height, width]: readonly [number, number],
  objects: Boxes,
  options: CropOptions,
  random: Random,
): Crop {
  const { side, shorter, flip, attempts } = options
  const draw = (): Crop => {
    const window = drawWindow({ height, width }, { size: side, shorter, mirror: flip }, random)
    return { ...window, side, scaleX: window.width / width, scaleY: window.height / height }
  }
  const shows = (crop: Crop) => placeBoxes(objects, crop, options.minVisible).kept.length > 0
  let crop = draw()
  for (let tried = 1; tried < attempts && !shows(crop); tried++) crop = draw()
  return crop
}

/** The crop in the middle of an image whose shorter side is made `shorter`. */
export function centreCrop([height, width]: readonly [number, number], shorter: number, side: number): Crop {
  const size = inputSize(height, width, { size: shorter, maxSize: Number.POSITIVE_INFINITY })
  const [top, left] = [Math.floor((size.height - side) / 2), Math.floor((size.width - side) / 2)]
  return { ...size, top, left, side, mirrored: false }
}

/** A class's truths as the crop shows them, in its input pixels; the class stays, with no boxes, where none is seen. */
export function cropTruths({ label, boxes, ignored }: ClassTruths, crop: Crop, minVisible: number): ClassTruths {
  const { kept, cut } = placeBoxes(boxes, crop, minVisible)
  const others = placeBoxes(ignored, crop, 0)
  return { label, boxes: kept, ignored: Float32Array.of(...cut, ...others.kept) }
}

/** Boxes (image pixels) in the crop's input pixels, clipped: those of which enough is seen, and those of which less is. */
function placeBoxes(boxes: Boxes, { scaleX, scaleY, top, left, side, mirrored }: Crop, minVisible: number) {
  const placed = Float32Array.from(boxes, (value, at) => {
    return at % 2 === 0 ? value * scaleX - left : value * scaleY - top
  })
  const areas = Float64Array.from({ length: boxCount(placed) }, (_, i) => boxArea(placed, i))
  clipBoxes(placed, [side, side])
  if (mirrored) {
    for (let at = 0; at < placed.length; at += 4) {
      const right = placed[at + 2]!
      placed[at + 2] = side - placed[at]!
      placed[at] = side - right
    }
  }
  const shares = Array.from(areas, (area, i) => boxArea(placed, i) / area)
  const which = (test: (share: number) => boolean) => {
    return takeBoxes(
      placed,
      shares.flatMap((share, i) => (share > 0 && test(share) ? [i] : [])),
    )
  }
  return { kept: which((share) => share >= minVisible), cut: which((share) => share < minVisible) }
}
