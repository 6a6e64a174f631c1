import { writeWhole } from "../../src/core/write-whole.js"
import { encodeImage, formatOf } from "./encode.js"
import { type Colour, inkOn, labelColour } from "./label-colour.js"
import { type Ink, inkOf } from "./letters.js"
import { placeLabels } from "./place-labels.js"
import type { RgbImage } from "./rgb.js"

/** One box to be drawn. */
export interface Drawn {
  /** x1, y1, x2, y2 in image pixels. */
  readonly box: ArrayLike<number>
  /** 1..K, which chooses the colour. */
  readonly label: number
  /** Written at the box, in any script; empty for none. */
  readonly text: string
}

/** How boxes are drawn. */
export interface DrawOptions {
  /** Of frames, in pixels; by default it grows with the picture. */
  readonly lineWidth?: number | undefined
}

/**
 * A copy of the picture with boxes and their texts, later ones on top (give the best last). Letters grow with the picture, and
 * lines too unless their width is given. Of texts that would lie on one another the better one stays where it is; the others
 * move to another edge of their box, or are left out.
 */
export async function drawBoxes(
  image: RgbImage,
  drawn: readonly Drawn[],
  { lineWidth }: DrawOptions = {},
): Promise<RgbImage> {
  const copy = { ...image, data: Uint8Array.from(image.data) }
  const dot = Math.max(1, Math.round(Math.min(image.height, image.width) / 240))
  for (const { box, label } of drawn) frame(copy, box, lineWidth ?? dot, labelColour(label))
  // All texts over all frames: a frame through a word makes it unreadable.
  const captions = await Promise.all(
    drawn.filter(({ text }) => text !== "").map(async (one) => ({ ...one, ink: await inkOf(one.text, dot) })),
  )
  const sizes = captions.map(({ box, ink }) => ({ box, width: ink.width + dot, height: ink.height + dot }))
  for (const [i, place] of placeLabels(sizes, image).entries()) {
    if (place !== undefined) caption(copy, place, captions[i]!.ink, dot, labelColour(captions[i]!.label))
  }
  return copy
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

/** Writes on a field of the colour, with half a dot around the text. */
function caption(image: RgbImage, [left, top]: readonly [number, number], ink: Ink, dot: number, colour: Colour): void {
  fill(image, left, top, left + ink.width + dot, top + ink.height + dot, colour)
  const letters = inkOn(colour)
  for (let y = 0; y < ink.height; y++) {
    const row = top + dot + y
    if (row >= image.height) return
    for (let x = 0; x < ink.width; x++) {
      const share = ink.data[y * ink.width + x]! / 255
      const column = left + dot + x
      if (share === 0 || column >= image.width) continue
      const at = 3 * (row * image.width + column)
      for (let c = 0; c < 3; c++) image.data[at + c] = Math.round(colour[c]! + share * (letters[c]! - colour[c]!))
    }
  }
}

function fill(image: RgbImage, x1: number, y1: number, x2: number, y2: number, colour: Colour): void {
  for (let y = Math.max(0, y1); y < Math.min(image.height, y2); y++) {
    const end = 3 * (y * image.width + Math.min(image.width, x2))
    for (let at = 3 * (y * image.width + Math.max(0, x1)); at < end; at += 3) {
      image.data[at] = colour[0]
      image.data[at + 1] = colour[1]
      image.data[at + 2] = colour[2]
    }
  }
}
