import type { Random } from "../../src/core/random.js"
import type { RgbImage } from "../image/rgb.js"
import type { Glyph } from "./glyphs.js"
import { inkAspect, type PaintedBox, paintBackground, paintGlyph } from "./paint.js"

export interface SceneOptions {
  /** Shortest and longest side of a picture. */
  readonly sides: readonly [number, number]
  /** Least and greatest height of a glyph in pixels. */
  readonly heights: readonly [number, number]
  /** Fewest and most glyphs in a picture. */
  readonly counts: readonly [number, number]
}

/** Large enough to be learnt in minutes at stride 16, small enough to need several anchor sizes. */
export const sceneDefaults: SceneOptions = { sides: [192, 256], heights: [36, 88], counts: [3, 8] }

export interface Scene {
  readonly image: RgbImage
  readonly boxes: readonly PaintedBox[]
  /** 1..K */
  readonly labels: readonly number[]
}

/** A picture with glyphs at several sizes that do not touch each other. */
export function makeScene(glyphs: readonly (readonly Glyph[])[], random: Random, options: SceneOptions): Scene {
  const height = between(options.sides, random)
  const width = between(options.sides, random)
  const image = paintBackground(height, width, random)
  const boxes: PaintedBox[] = []
  const labels: number[] = []
  const wanted = between(options.counts, random)
  for (let attempt = 0; boxes.length < wanted && attempt < 20 * wanted; attempt++) {
    const label = 1 + random.integer(glyphs.length)
    const samples = glyphs[label - 1]!
    const glyph = samples[random.integer(samples.length)]!
    // Even in the logarithm: as many small ones as large ones.
    const [least, most] = options.heights
    const length = least * (most / least) ** random.uniform()
    const across = length * inkAspect(glyph)
    const left = 2 + random.uniform() * (width - across - 4)
    const top = 2 + random.uniform() * (height - length - 4)
    if (across > width - 4 || length > height - 4) continue
    const free = boxes.every(
      ([x1, y1, x2, y2]) => left > x2 + 4 || top > y2 + 4 || left + across < x1 - 4 || top + length < y1 - 4,
    )
    if (!free) continue
    boxes.push(paintGlyph(image, glyph, { left, top, length }, random))
    labels.push(label)
  }
  return { image, boxes, labels }
}

/** A square picture of one glyph with some background around it, larger or smaller and off centre. */
export function makeCrop(glyph: Glyph, side: number, random: Random): RgbImage {
  const image = paintBackground(side, side, random)
  const aspect = inkAspect(glyph)
  const longest = side * (0.55 + 0.35 * random.uniform())
  const length = aspect > 1 ? longest / aspect : longest
  const free = { x: side - length * aspect, y: side - length }
  const jitter = () => 0.5 + (random.uniform() - 0.5) * 0.6
  paintGlyph(image, glyph, { left: free.x * jitter(), top: free.y * jitter(), length }, random)
  return image
}

function between([least, most]: readonly [number, number], random: Random): number {
  return least + random.integer(most - least + 1)
}
