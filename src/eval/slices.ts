import { DataError } from "../core/errors.js"
import type { Arrangement } from "./arrange.js"
import { evaluateMatches } from "./coco.js"
import type { CocoMatches, MatchBits } from "./coco-match.js"
import { cocoOptions } from "./coco-options.js"
import type { CocoSummary } from "./coco-summary.js"
import { FindImage, placeByName } from "./find-image.js"
import { isIgnored } from "./match-at.js"
import type { MatchedDetections } from "./matched.js"
import type { TruthTable } from "./tables.js"

/** Some images under a name. */
export interface Slice {
  readonly name: string
  readonly imageIds: readonly number[]
}

/** COCO's figures of some images, 0..1 and NaN where there is nothing to measure. */
export interface SliceReport {
  readonly name: string
  readonly images: number
  readonly truths: number
  readonly coco: CocoSummary
}

/** COCO's figures of each slice, from the matches of all images. */
export function evaluateSlices(matched: MatchedDetections, slices: readonly Slice[]): SliceReport[] {
  const { truths, detections } = matched
  const places = new Map(Array.from(truths.imageIds, (id, i) => [id, i]))
  return slices.map(({ name, imageIds }) => {
    const kept = new Uint8Array(truths.imageIds.length)
    for (const id of imageIds) {
      const place = places.get(id)
      if (place === undefined)
        throw new DataError(`slice "${name}": image ${id} is not among the images of the ground truth`)
      kept[place] = 1
    }
    const { arranged, coco } = pick(matched, kept)
    const { summary } = evaluateMatches(arranged, detections.scores, coco, cocoOptions())
    const entries = Object.entries(summary).map(([key, value]) => [key, value === -1 ? Number.NaN : value])
    return {
      name,
      images: kept.reduce((sum, one) => sum + one, 0),
      truths: truths.image.reduce((sum, i, g) => sum + (kept[i] === 1 && !isIgnored(truths, g) ? 1 : 0), 0),
      coco: Object.fromEntries(entries) as unknown as CocoSummary,
    }
  })
}

/** One slice a folder of the images' names; "." for names without one. */
export function slicesByFolder({ imageIds, imageNames }: TruthTable): Slice[] {
  return grouped(imageIds, (i) => /^(.*)[\\/]/.exec(imageNames[i]!)?.[1] ?? ".")
}

/** Small, medium and large images: thirds by their number of pixels; those of unknown size by themselves. */
export function slicesBySize({ imageIds, widths, heights }: TruthTable): Slice[] {
  const pixels = Float64Array.from(widths, (width, i) => width * heights[i]!)
  const known = pixels.filter((count) => count > 0).sort()
  const third = known[Math.floor(known.length / 3)]!
  const twoThirds = known[Math.floor((2 * known.length) / 3)]!
  const names = ["small images", "medium images", "large images", "images of unknown size"]
  const slices = grouped(imageIds, (i) => {
    const count = pixels[i]!
    return names[count === 0 ? 3 : count < third ? 0 : count < twoThirds ? 1 : 2]!
  })
  return slices.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
}

/**
 * Slices as a file tells them: an object of names, each with a list of image names or ids.
 * @param source what errors call the file
 * @throws DataError for anything else, or an unknown image
 */
export function slicesFromFile(truths: TruthTable, content: unknown, source: string): Slice[] {
  const find = new FindImage(truths)
  const byName = placeByName(truths)
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new DataError(`${source}: expected an object of slices: {"night": ["a.jpg", "b.jpg"]}`)
  }
  return Object.entries(content).map(([name, images]) => {
    const where = `${source}: slice "${name}"`
    if (!Array.isArray(images)) throw new DataError(`${where}: expected a list of image names or ids`)
    const idOf = (image: unknown) => {
      const place = typeof image === "number" ? find.numbered(image) : byName(String(image), where)
      if (place >= 0) return truths.imageIds[place]!
      throw new DataError(`${where}: image ${image} is not among the images of the ground truth`)
    }
    return { name, imageIds: images.map(idOf) }
  })
}

function grouped(imageIds: Float64Array, nameOf: (i: number) => string): Slice[] {
  const slices = new Map<string, number[]>()
  imageIds.forEach((id, i) => {
    const name = nameOf(i)
    const ids = slices.get(name)
    if (ids) ids.push(id)
    else slices.set(name, [id])
  })
  return [...slices].map(([name, ids]) => ({ name, imageIds: ids })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The ranking and the matches of some images. */
function pick(
  { truths, detections, arranged, coco }: MatchedDetections,
  kept: Uint8Array,
): { arranged: Arrangement; coco: CocoMatches } {
  const { order, starts } = arranged.ranking
  const places: number[] = []
  const pickedStarts = new Int32Array(starts.length)
  for (let k = 0; k < starts.length - 1; k++) {
    for (let p = starts[k]!; p < starts[k + 1]!; p++) if (kept[detections.image[order[p]!]!] === 1) places.push(p)
    pickedStarts[k + 1] = places.length
  }
  const at = Int32Array.from(places)
  const areas = coco.options.areaRanges
  const perArea = (values: MatchBits) => {
    const picked = new Uint32Array(at.length * areas.length)
    for (let a = 0; a < areas.length; a++) {
      for (let i = 0; i < at.length; i++) picked[a * at.length + i] = values[a * order.length + at[i]!]!
    }
    return picked
  }
  const counted = new Int32Array(coco.counted.length)
  for (let g = 0; g < truths.image.length; g++) {
    if (kept[truths.image[g]!] === 0 || isIgnored(truths, g)) continue
    areas.forEach(({ from, to }, a) => {
      if (truths.areas[g]! >= from && truths.areas[g]! <= to) counted[truths.category[g]! * areas.length + a]!++
    })
  }
  return {
    arranged: { ...arranged, ranking: { order: at.map((p) => order[p]!), starts: pickedStarts } },
    coco: {
      options: coco.options,
      matched: perArea(coco.matched),
      ignored: perArea(coco.ignored),
      rank: at.map((p) => coco.rank[p]!),
      truth: at.map((p) => coco.truth[p]!),
      counted,
    },
  }
}
