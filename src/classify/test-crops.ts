import type { RgbImage } from "../../datasets/image/rgb.js"
import { networkSpec } from "../backbone/networks.js"
import { UsageError } from "../core/errors.js"
import type { Normalisation } from "../core/normalisation.js"
import type { ClassifierConfig } from "../weights/model-info.js"
import { resizeAntialiased } from "./resize-antialiased.js"

/**
 * How an image is shown to a classifier in testing:
 * - `crops`: the centre, or the centre and the four corners with their mirror images
 * - `dense`: the whole image at each of several sizes (of its shorter side, in pixels), the network moved over it
 */
export type TestProcedure =
  | { readonly kind: "crops"; readonly count: 1 | 10 }
  | { readonly kind: "dense"; readonly scales: readonly number[] }

/** @source torchvision's classification reference: one centre crop */
export const testDefaults: TestProcedure = { kind: "crops", count: 1 }

/** The square a classifier is shown; both are pixels. */
export interface CropSizes {
  /** Of the square. */
  readonly size: number
  /** Of the resized image's shorter side, from which it is cut. */
  readonly resize: number
}

/**
 * What a classifier is shown. CIFAR's networks see images whole.
 * @source He et al. 2016 section 3.4 and torchvision: 224 out of 256, the same share at other sizes; section 4.2
 */
export function cropSizes({ network, size, resize }: Pick<ClassifierConfig, "network" | "size" | "resize">): CropSizes {
  const isWhole = !networkSpec(network).pool
  return { size, resize: resize ?? (isWhole ? size : Math.round((size * 256) / 224)) }
}

/** A square of a resized image, from its `top` and `left`; mirrored after cutting where `flip`. */
export interface Crop {
  readonly top: number
  readonly left: number
  readonly flip: boolean
}

/**
 * Where the crops of an image of `height` x `width` are. The second five are those of the mirrored image, so that an
 * image and its mirror image score the same.
 * @source torchvision `transforms`: `CenterCrop` (an odd rest rounds half to even), `TenCrop`
 */
export function cropPlaces(height: number, width: number, size: number, count: 1 | 10): Crop[] {
  const [bottom, right] = [height - size, width - size]
  const centre = { top: halfToEven(bottom), left: halfToEven(right), flip: false }
  if (count === 1) return [centre]
  const upright = [
    { top: 0, left: 0, flip: false },
    { top: 0, left: right, flip: false },
    { top: bottom, left: 0, flip: false },
    { top: bottom, left: right, flip: false },
    centre,
  ]
  return [...upright, ...upright.map(({ top, left }) => ({ top, left: right - left, flip: true }))]
}

/**
 * The image with a shorter side of `side`, the longer one rounded down.
 * @source torchvision `transforms.Resize`
 */
export function resizeShorterSide(image: RgbImage, side: number): RgbImage {
  const { height, width } = image
  const long = Math.max(1, Math.trunc((side * Math.max(height, width)) / Math.min(height, width)))
  return height <= width ? resizeAntialiased(image, side, long) : resizeAntialiased(image, long, side)
}

/**
 * The crops of one image as `[crops, size, size, 3]` normalised values.
 * @param out gets them from `offset` on
 */
export function writeCrops(
  image: RgbImage,
  { size, resize }: CropSizes,
  count: 1 | 10,
  values: Normalisation,
  out: Float32Array,
  offset: number,
): void {
  const resized = resizeShorterSide(image, resize)
  const places = cropPlaces(resized.height, resized.width, size, count)
  for (const [k, crop] of places.entries())
    writeCrop(resized, crop, size, size, values, out, offset + 3 * k * size ** 2)
}

/** A whole image as `[height, width, 3]` normalised values. */
export function wholeImage(image: RgbImage, values: Normalisation): Float32Array {
  const out = new Float32Array(3 * image.height * image.width)
  writeCrop(image, { top: 0, left: 0, flip: false }, image.height, image.width, values, out, 0)
  return out
}

/** @throws UsageError where a network that sees images whole is to see crops of them */
export function checkProcedure(procedure: TestProcedure, network: string, { size, resize }: CropSizes): void {
  if (procedure.kind === "crops" && procedure.count > 1 && resize === size) {
    throw new UsageError(`${network} sees images whole, ${size}x${size}, so that there are no 10 crops. Use --crops 1`)
  }
}

function writeCrop(
  { data: pixels, width: stride }: RgbImage,
  { top, left, flip }: Crop,
  height: number,
  width: number,
  { mean, std }: Normalisation,
  out: Float32Array,
  offset: number,
): void {
  let at = offset
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * ((top + y) * stride + left + (flip ? width - 1 - x : x))
      for (let c = 0; c < 3; c++) out[at++] = (pixels[from + c]! / 255 - mean[c]!) / std[c]!
    }
  }
}

/** Half of a whole number as Python rounds it: 0.5 to 0, 1.5 to 2. */
function halfToEven(whole: number): number {
  const down = Math.floor(whole / 2)
  return whole % 2 === 0 ? down : down + (down % 2)
}
