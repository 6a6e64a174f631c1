import { writeWhole } from "../../src/core/write-whole.js"
import { encodeImage, formatOf } from "./encode.js"
import { eachDot, letterHeight, letterStep } from "./font.js"
import type { RgbImage } from "./rgb.js"

/** One box to be drawn. */
export interface Drawn {
  /** x1, y1, x2, y2 in image pixels. */
  readonly box: ArrayLike<number>
  /** 1..K, which chooses the colour. */
  readonly label: number
  /** Written at the box: letters of ASCII; empty for none. */
  readonly text: string
}

type Colour = readonly [number, number, number]

/**
 * A copy of the picture with boxes and their texts, later ones on top (give the best last). Lines and letters grow with
 * the picture. The letters are ours: a machine without fonts shows them all the same.
 */
export function drawBoxes(image: RgbImage, drawn: readonly Drawn[]): RgbImage {
  const copy = { ...image, data: Uint8Array.from(image.data) }
  const dot = Math.max(1, Math.round(Math.min(image.height, image.width) / 240))
  for (const { box, label } of drawn) frame(copy, box, dot, labelColour(label))
  // All texts over all frames: a frame through a word makes it unreadable.
  for (const { box, label, text } of drawn) if (text !== "") caption(copy, box, text, dot, labelColour(label))
  return copy
}

/** A colour for a class: bright, and far in hue from its neighbours'. */
export function labelColour(label: number): Colour {
  const hue = (label * 137.508) % 360
  const value = label % 2 === 0 ? 0.85 : 1
  return [5, 3, 1].map((shift) => {
    const k = (shift + hue / 60) % 6
    return Math.round(255 * value * (1 - 0.85 * Math.max(0, Math.min(k, 4 - k, 1))))
  }) as unknown as Colour
}

/** Writes a picture as PNG or JPEG, by the ending of `path`; beside it first, so that there is never half a file. @param within as in `writeWhole` */
export async function saveImage(path: string, image: RgbImage, within?: string): Promise<void> {
  const bytes = await encodeImage(image, { format: formatOf(path) })
  writeWhole(path, bytes, { sync: false, ...(within !== undefined && { within }) })
}

function frame(image: RgbImage, box: ArrayLike<number>, dot: number, colour: Colour): void {
  const [x1, y1, x2, y2] = [box[0]!, box[1]!, box[2]!, box[3]!].map(Math.round) as [number, number, number, number]
  fill(image, x1, y1, x2, y1 + dot, colour)
  fill(image, x1, y2 - dot, x2, y2, colour)
  fill(image, x1, y1, x1 + dot, y2, colour)
  fill(image, x2 - dot, y1, x2, y2, colour)
}

function caption(image: RgbImage, box: ArrayLike<number>, text: string, dot: number, colour: Colour): void {
  const width = ([...text].length * letterStep + 1) * dot
  const height = (letterHeight + 1) * dot
  const left = clamp(Math.round(box[0]!), 0, Math.max(0, image.width - width))
  const above = Math.round(box[1]!) - height
  const top = above >= 0 ? above : clamp(Math.round(box[1]!), 0, Math.max(0, image.height - height))
  fill(image, left, top, left + width, top + height, colour)
  const ink: Colour = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 120 ? [0, 0, 0] : [255, 255, 255]
  eachDot(text, (x, y) => {
    const at = { x: left + (x + 1) * dot, y: top + (y + 1) * dot }
    fill(image, at.x, at.y, at.x + dot, at.y + dot, ink)
  })
}

function fill(image: RgbImage, x1: number, y1: number, x2: number, y2: number, colour: Colour): void {
  for (let y = Math.max(0, y1); y < Math.min(image.height, y2); y++) {
    for (let x = Math.max(0, x1); x < Math.min(image.width, x2); x++) image.data.set(colour, 3 * (y * image.width + x))
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
