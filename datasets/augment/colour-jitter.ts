import type { Random } from "../../src/core/random.js"
import type { RgbImage } from "../image/rgb.js"

/** @source torchvision v2 `RandomPhotometricDistort`, after SSD; each change is made with probability 1/2 */
const ranges = {
  brightness: [0.875, 1.125],
  contrast: [0.5, 1.5],
  saturation: [0.5, 1.5],
  hue: [-0.05, 0.05],
} as const

/** What a colour jitter does; 1, and 0 for the hue, change nothing. */
export interface ColourChange {
  readonly brightness: number
  readonly contrast: number
  readonly saturation: number
  /** A turn of the colour circle, in circles. */
  readonly hue: number
  /** Whether the contrast comes before the others, or after them. */
  readonly contrastFirst: boolean
}

export function drawColourChange(random: Random): ColourChange {
  const draw = ([low, high]: readonly [number, number], none: number) => {
    const [chance, share] = [random.uniform(), random.uniform()]
    return chance < 0.5 ? low + (high - low) * share : none
  }
  return {
    brightness: draw(ranges.brightness, 1),
    contrast: draw(ranges.contrast, 1),
    saturation: draw(ranges.saturation, 1),
    hue: draw(ranges.hue, 0),
    contrastFirst: random.uniform() < 0.5,
  }
}

/** A picture with other colours: brightness first, then contrast, saturation and hue, or the contrast last. */
export function changeColours(image: RgbImage, change: ColourChange): RgbImage {
  const data = image.data.slice()
  const contrast = () => change.contrast !== 1 && blendWith(data, change.contrast, () => meanGray(data))
  if (change.brightness !== 1) blendWith(data, change.brightness, () => 0)
  if (change.contrastFirst) contrast()
  if (change.saturation !== 1) saturate(data, change.saturation)
  if (change.hue !== 0) turnHue(data, change.hue)
  if (!change.contrastFirst) contrast()
  return { ...image, data }
}

/** @source torchvision `adjust_brightness`, `adjust_contrast`: share * pixel + (1 - share) * other, in 0..255, truncated */
function blendWith(data: Uint8Array, share: number, other: () => number): void {
  const base = (1 - share) * other()
  const table = Uint8Array.from({ length: 256 }, (_, value) => byte(share * value + base))
  for (let at = 0; at < data.length; at++) data[at] = table[data[at]!]!
}

/** @source torchvision `adjust_saturation`: a blend with the pixel's gray */
function saturate(data: Uint8Array, share: number): void {
  for (let at = 0; at < data.length; at += 3) {
    const base = (1 - share) * grayAt(data, at)
    for (let c = at; c < at + 3; c++) data[c] = byte(share * data[c]! + base)
  }
}

/** @source ITU-R BT.601, as torchvision `rgb_to_grayscale` */
const grayAt = (data: Uint8Array, at: number): number =>
  Math.floor(0.2989 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!)

function meanGray(data: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < data.length; at += 3) sum += grayAt(data, at)
  return (3 * sum) / data.length
}

/** @source torchvision `adjust_hue`: to HSV, a turn, and back */
function turnHue(data: Uint8Array, turn: number): void {
  for (let at = 0; at < data.length; at += 3) {
    const [red, green, blue] = [data[at]!, data[at + 1]!, data[at + 2]!]
    const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)]
    const range = most - least
    if (range === 0) continue
    const sixth =
      most === red ? (green - blue) / range : most === green ? 2 + (blue - red) / range : 4 + (red - green) / range
    const hue = (((sixth / 6 + turn) % 1) + 1) % 1
    // Value and range stay: a channel falls from the value by as much of the range as its distance on the circle says.
    for (let c = 0; c < 3; c++) {
      const place = (((5 - 2 * c + 6 * hue) % 6) + 6) % 6
      data[at + c] = Math.round(most - range * Math.max(0, Math.min(1, place, 4 - place)))
    }
  }
}

const byte = (value: number): number => Math.max(0, Math.min(255, Math.trunc(value)))
