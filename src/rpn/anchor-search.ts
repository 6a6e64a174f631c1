import { type FitImage, shapeIou } from "./anchor-fit.js"
import { type AnchorOptions, anchorLevels, cellAnchors } from "./anchors.js"

type Shapes = Pick<AnchorOptions, "sizes" | "ratios">

/** Sizes and ratios that are tried, beside those that are there. */
const ladder = {
  sizes: [8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724],
  ratios: [0.25, 0.33, 0.5, 0.67, 1, 1.5, 2, 3, 4],
} as const

/** How many objects are looked at, evenly spread over the images: more change no choice. */
const sampled = 4000

/** An IoU beyond this counts no more: the anchor is a positive one as it is. @source `rpnMatchDefaults` */
const enough = 0.7

/**
 * As many sizes and ratios as `options` has, under which the objects' IoUs with their best anchors are large in the mean,
 * what is beyond 0.7 not counted: the one exchange of a value that helps most is made, until none helps.
 * @param images with at least one object
 */
export function searchAnchors(images: readonly FitImage[], options: AnchorOptions): AnchorOptions {
  const isPyramid = images[0]!.levels.length > 1
  const score = scorer(spread(images), options)
  let best: Shapes = options
  let most = score(best)
  for (;;) {
    const tried = exchanges(best, isPyramid).map((shapes) => ({ shapes, now: score(shapes) }))
    const top = tried.reduce((a, b) => (b.now > a.now ? b : a), { shapes: best, now: most })
    if (top.now <= most + 1e-6) return { ...options, sizes: best.sizes, ratios: best.ratios }
    best = top.shapes
    most = top.now
  }
}

/** Everything that one exchanged value makes. A pyramid's sizes keep their levels, in ascending order. */
function exchanges(shapes: Shapes, isPyramid: boolean): Shapes[] {
  return (["sizes", "ratios"] as const).flatMap((part) =>
    shapes[part].flatMap((_, place) =>
      ladder[part].flatMap((value) => {
        const values = shapes[part].with(place, value)
        const sorted = [...values].sort((a, b) => a - b)
        const isFree = !shapes[part].includes(value)
        const isInPlace = !isPyramid || part === "ratios" || values.every((other, i) => other === sorted[i])
        return isFree && isInPlace ? [{ ...shapes, [part]: sorted }] : []
      }),
    ),
  )
}

/** Gives the mean best IoU of shapes, from what each shape alone reaches, which is worked out once. */
function scorer(sample: readonly FitImage[], options: AnchorOptions): (shapes: Shapes) => number {
  const known = new Map<string, Float32Array>()
  const levels = sample[0]!.levels.length
  const column = (level: number, size: number, ratio: number): Float32Array => {
    const key = `${level} ${size} ${ratio}`
    const found = known.get(key) ?? alone(sample, level, { ...options, sizes: [size], ratios: [ratio] })
    known.set(key, found)
    return found
  }
  return ({ sizes, ratios }) => {
    const columns = sizes.flatMap((size, l) => ratios.map((ratio) => column(l % levels, size, ratio)))
    const count = columns[0]!.length
    let sum = 0
    for (let i = 0; i < count; i++) {
      let top = 0
      for (const values of columns) if (values[i]! > top) top = values[i]!
      sum += Math.min(top, enough)
    }
    return sum / count
  }
}

/** The best IoU of each object with the one shape of `options` on one level. */
function alone(images: readonly FitImage[], level: number, options: AnchorOptions): Float32Array {
  const shape = cellAnchors(options)
  return Float32Array.from(
    images.flatMap(({ boxes, levels }) => {
      const grid = anchorLevels(levels, { ...options, sizes: levels.map(() => options.sizes[0]!) })[level]!
      return Array.from({ length: boxes.length / 4 }, (_, i) => shapeIou(boxes, i, shape, 0, grid))
    }),
  )
}

/** About `sampled` of the objects, and the images that they are in. */
function spread(images: readonly FitImage[]): FitImage[] {
  const total = images.reduce((count, { boxes }) => count + boxes.length / 4, 0)
  const every = Math.ceil(total / sampled)
  let at = 0
  return images.flatMap(({ boxes, levels }) => {
    const kept = Array.from(boxes).filter((_, k) => (at + Math.floor(k / 4)) % every === 0)
    at += boxes.length / 4
    return kept.length === 0 ? [] : [{ boxes: Float64Array.from(kept), levels }]
  })
}
