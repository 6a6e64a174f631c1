import type { Random } from "../../src/core/random.js"
import type { RgbImage } from "../image/rgb.js"
import { type Glyph, glyphSide } from "./glyphs.js"

type Colour = readonly [number, number, number]

/** x1, y1, x2, y2 in image pixels. */
export type PaintedBox = readonly [number, number, number, number]

/** Light ink on dark ground, so that a network learns the glyphs in minutes. */
const backgroundShades = [10, 120] as const
const inkShades = [150, 255] as const

/** Ink counts as part of a glyph's box from this share on. */
const inkEdge = 0.35

/** A darker picture of soft colour fields, blotches, grain and a few strokes that are no glyphs. */
export function paintBackground(height: number, width: number, random: Random): RgbImage {
  const image: RgbImage = { data: new Uint8Array(3 * height * width), height, width }
  const fields = Array.from({ length: 4 }, () => colour(random, backgroundShades))
  const blotches = [noiseGrid(6, random), noiseGrid(19, random)]
  const strength = [20 + 30 * random.uniform(), 10 + 20 * random.uniform()]
  const grain = 4 + 10 * random.uniform()
  let seed = random.integer(0x7fffffff)
  for (let y = 0; y < height; y++) {
    const v = y / height
    for (let x = 0; x < width; x++) {
      const u = x / width
      const blotch = strength[0]! * blotches[0]!(u, v) + strength[1]! * blotches[1]!(u, v)
      for (let c = 0; c < 3; c++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) | 0
        const top = fields[0]![c]! * (1 - u) + fields[1]![c]! * u
        const bottom = fields[2]![c]! * (1 - u) + fields[3]![c]! * u
        const value = top * (1 - v) + bottom * v + blotch + (grain * seed) / 0x80000000
        image.data[3 * (y * width + x) + c] = Math.min(255, Math.max(0, value))
      }
    }
  }
  for (let strokes = random.integer(5); strokes > 0; strokes--) paintStroke(image, random)
  return image
}

/**
 * Paints a glyph with its ink `length` pixels high, in a light colour, and tells the box of the ink.
 * @param left - x of the ink's left edge
 * @param top - y of the ink's upper edge
 */
export function paintGlyph(
  image: RgbImage,
  glyph: Glyph,
  place: { readonly left: number; readonly top: number; readonly length: number },
  random: Random,
): PaintedBox {
  const ink = inkOf(glyph)
  const scale = place.length / (ink.bottom - ink.top)
  const { height, width } = image
  const paint = colour(random, inkShades)
  const box: [number, number, number, number] = [width, height, 0, 0]
  for (let y = Math.max(0, Math.floor(place.top) - 2); y < Math.min(height, place.top + place.length + 2); y++) {
    const across = (ink.right - ink.left) * scale
    for (let x = Math.max(0, Math.floor(place.left) - 2); x < Math.min(width, place.left + across + 2); x++) {
      const u = (x + 0.5 - place.left) / scale + ink.left - 0.5
      const v = (y + 0.5 - place.top) / scale + ink.top - 0.5
      const share = sample(glyph, u, v)
      if (share <= 0) continue
      if (share > inkEdge) {
        box[0] = Math.min(box[0], x)
        box[1] = Math.min(box[1], y)
        box[2] = Math.max(box[2], x + 1)
        box[3] = Math.max(box[3], y + 1)
      }
      const at = 3 * (y * width + x)
      for (let c = 0; c < 3; c++) {
        image.data[at + c] = Math.round((1 - share) * image.data[at + c]! + share * paint[c]!)
      }
    }
  }
  return box
}

/** Width of a glyph's ink over its height. */
export function inkAspect(glyph: Glyph): number {
  const ink = inkOf(glyph)
  return (ink.right - ink.left) / (ink.bottom - ink.top)
}

function inkOf(glyph: Glyph) {
  const ink = { left: glyphSide, top: glyphSide, right: 0, bottom: 0 }
  for (let i = 0; i < glyph.length; i++) {
    if (glyph[i]! <= inkEdge) continue
    const x = i % glyphSide
    const y = Math.floor(i / glyphSide)
    ink.left = Math.min(ink.left, x)
    ink.right = Math.max(ink.right, x + 1)
    ink.top = Math.min(ink.top, y)
    ink.bottom = Math.max(ink.bottom, y + 1)
  }
  return ink
}

/** Bilinear between the glyph's pixels, nothing outside. */
function sample(glyph: Glyph, u: number, v: number): number {
  const x = Math.floor(u)
  const y = Math.floor(v)
  const at = (i: number, j: number) =>
    i < 0 || j < 0 || i >= glyphSide || j >= glyphSide ? 0 : glyph[j * glyphSide + i]!
  const upper = at(x, y) * (x + 1 - u) + at(x + 1, y) * (u - x)
  const lower = at(x, y + 1) * (x + 1 - u) + at(x + 1, y + 1) * (u - x)
  return upper * (y + 1 - v) + lower * (v - y)
}

function colour(random: Random, [least, most]: readonly [number, number]): Colour {
  const shade = () => least + random.integer(most - least + 1)
  return [shade(), shade(), shade()]
}

/** A thin bent line across a part of the picture. */
function paintStroke(image: RgbImage, random: Random): void {
  const paint = colour(random, [0, 255])
  const thickness = 1 + random.integer(3)
  const length = Math.min(image.height, image.width) * (0.15 + 0.35 * random.uniform())
  let x = random.uniform() * image.width
  let y = random.uniform() * image.height
  let angle = 2 * Math.PI * random.uniform()
  const bend = (random.uniform() - 0.5) * 0.02
  for (let walked = 0; walked < length; walked++) {
    for (let dy = 0; dy < thickness; dy++) {
      for (let dx = 0; dx < thickness; dx++) {
        const px = Math.floor(x + dx)
        const py = Math.floor(y + dy)
        if (px < 0 || py < 0 || px >= image.width || py >= image.height) continue
        for (let c = 0; c < 3; c++) image.data[3 * (py * image.width + px) + c] = paint[c]!
      }
    }
    x += Math.cos(angle)
    y += Math.sin(angle)
    angle += bend
  }
}

/** Smooth noise from -1 to 1 over the unit square. */
function noiseGrid(cells: number, random: Random): (u: number, v: number) => number {
  const side = cells + 1
  const values = Float32Array.from({ length: side * side }, () => 2 * random.uniform() - 1)
  return (u, v) => {
    const x = Math.min(cells - 1, Math.floor(u * cells))
    const y = Math.min(cells - 1, Math.floor(v * cells))
    const s = u * cells - x
    const t = v * cells - y
    const at = y * side + x
    const upper = values[at]! * (1 - s) + values[at + 1]! * s
    return upper * (1 - t) + (values[at + side]! * (1 - s) + values[at + side + 1]! * s) * t
  }
}
