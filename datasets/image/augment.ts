import type { Normalisation } from "../../src/core/normalisation.js"
import type { Random } from "../../src/core/random.js"
import { resizeInto } from "./resize.js"
import type { RgbImage } from "./rgb.js"

/** A window of an image, which may reach over its edges, and whether it is mirrored. */
export interface Window {
  readonly top: number
  readonly left: number
  readonly mirrored: boolean
}

/** A window of a resized image. */
export interface ScaledWindow extends Window {
  /** Size of the whole image after resizing; pixels. */
  readonly height: number
  readonly width: number
}

/**
 * A window as large as the image, out of the image with `padding` pixels of frame around it.
 * @param chance of being mirrored
 * @source He et al. 2016 section 4.2: 4 pixels on each side, a random 32x32 crop or its mirror image
 */
export function drawShift(padding: number, chance: number, random: Random): Window {
  const shift = () => random.integer(2 * padding + 1) - padding
  return { top: shift(), left: shift(), mirrored: random.uniform() < chance }
}

/**
 * A square window of side `size` out of an image whose shorter side is resized to a length drawn from `shorter`, both
 * ends included.
 * @source He et al. 2016 section 3.4: shorter side from [256, 480], a random 224x224 crop or its mirror image
 */
export function drawWindow(
  { height, width }: Pick<RgbImage, "height" | "width">,
  { size, shorter, mirror }: { size: number; shorter: readonly [number, number]; mirror: number },
  random: Random,
): ScaledWindow {
  const [least, most] = shorter
  const scaled = scaledSize(height, width, least + random.integer(most - least + 1))
  const top = random.integer(scaled.height - size + 1)
  const left = random.integer(scaled.width - size + 1)
  return { ...scaled, top, left, mirrored: random.uniform() < mirror }
}

/** The longer side keeps the shape to the nearest pixel. */
function scaledSize(height: number, width: number, shorter: number): { height: number; width: number } {
  const scale = shorter / Math.min(height, width)
  return { height: Math.round(height * scale), width: Math.round(width * scale) }
}

/**
 * Principal components of ImageNet's colours, RGB in 0..1: deviations along them, and their directions as columns.
 * @source fb.resnet.torch datasets/imagenet.lua; the method is AlexNet's (Krizhevsky et al. 2012 section 4.1)
 */
const components = {
  deviations: [0.2175, 0.0188, 0.0045],
  directions: [
    [-0.5675, 0.7192, 0.4009],
    [-0.5808, -0.0045, -0.814],
    [-0.5836, -0.6948, 0.4203],
  ],
} as const

/**
 * What is added to red, green and blue (0..1) of every pixel of an image.
 * @param deviation of the draws; 0 gives no shift. @source fb.resnet.torch: 0.1
 */
export function drawColourShift(deviation: number, random: Random): readonly [number, number, number] {
  const draws = components.deviations.map((one) => one * deviation * random.normal())
  const along = (row: readonly number[]) => row.reduce((sum, part, j) => sum + part * draws[j]!, 0)
  const [red, green, blue] = components.directions
  return [along(red), along(green), along(blue)]
}

/** Where a square window goes: `out` from `offset` on, `size * size * 3` values. */
export interface WindowTarget extends Normalisation {
  readonly out: Float32Array
  readonly offset: number
  readonly size: number
}

/**
 * Copies a window of a square picture among others, normalised; what lies outside of it is 0, the mean colour: in the
 * paper the frame is put around an image whose mean is subtracted already.
 * @param pixels RGB of many pictures of side `target.size`, this one from `start` on
 * @param table of `normalisationTable`
 */
export function copyWindow(
  pixels: Uint8Array,
  start: number,
  { top, left, mirrored }: Window,
  { out, offset, size }: Pick<WindowTarget, "out" | "offset" | "size">,
  table: Float32Array,
): void {
  let at = offset
  for (let y = 0; y < size; y++) {
    const row = y + top
    for (let x = 0; x < size; x++, at += 3) {
      const column = (mirrored ? size - 1 - x : x) + left
      if (row < 0 || row >= size || column < 0 || column >= size) {
        out.fill(0, at, at + 3)
        continue
      }
      const from = start + 3 * (row * size + column)
      out[at] = table[pixels[from]!]!
      out[at + 1] = table[256 + pixels[from + 1]!]!
      out[at + 2] = table[512 + pixels[from + 2]!]!
    }
  }
}

/** `(value / 255 - mean) / std` of every value of a byte, channel by channel. `[3 * 256]` */
export function normalisationTable({ mean, std }: Normalisation): Float32Array {
  return Float32Array.from({ length: 768 }, (_, i) => {
    const c = i >> 8
    return ((i & 255) / 255 - mean[c]!) / std[c]!
  })
}

/**
 * Resizes an image and cuts a square window out of it, normalised.
 * @param shift added to red, green and blue (0..1)
 */
export function cutWindow(
  image: RgbImage,
  { height, width, top, left, mirrored }: ScaledWindow,
  { out, offset, size, mean, std }: WindowTarget,
  shift: readonly [number, number, number] = [0, 0, 0],
): void {
  const whole = new Float32Array(3 * height * width)
  const shifted = mean.map((value, c) => value - shift[c]!) as [number, number, number]
  const target = { out: whole, offset: 0, rowStride: 3 * width, height, width, mean: shifted, std }
  // Mirrored as a whole, its window lies as far from the other edge.
  resizeInto(image, { ...target, flip: mirrored })
  const from = mirrored ? width - size - left : left
  for (let y = 0; y < size; y++) {
    const start = 3 * ((y + top) * width + from)
    out.set(whole.subarray(start, start + 3 * size), offset + 3 * y * size)
  }
}

/**
 * Mean and standard deviation of red, green and blue (0..1) over pictures.
 * @param pixels `[..., 3]` RGB, 0..255
 * @source fb.resnet.torch: one mean and standard deviation for a channel, of the training images
 */
export function channelStatistics(pixels: Uint8Array): Normalisation {
  const counts = [0, 1, 2].map(() => new Float64Array(256))
  for (let i = 0; i < pixels.length; i++) counts[i % 3]![pixels[i]!]!++
  const perChannel = counts.map((histogram) => {
    const mean = moment(histogram, (value) => value)
    return { mean, std: Math.sqrt(moment(histogram, (value) => (value - mean) ** 2)) }
  })
  const three = (name: "mean" | "std") => perChannel.map((one) => one[name]) as [number, number, number]
  // One colour all over has no standard deviation to divide by.
  const std = three("std").map((value) => (value === 0 ? 1 : value)) as [number, number, number]
  return { mean: three("mean"), std }
}

function moment(histogram: Float64Array, power: (value: number) => number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0)
  return histogram.reduce((sum, count, value) => sum + count * power(value / 255), 0) / total
}
