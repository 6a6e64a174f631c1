import type { Arrangement } from "./arrange.js"
import { CellMatcher, type MatchOptions } from "./coco-cell.js"
import type { AreaRange } from "./coco-options.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** One bit a threshold, and half the memory for up to 16 of them. */
export type MatchBits = Uint16Array | Uint32Array

/**
 * COCO's matches of all detections: what every figure is made from. P places (of `Arrangement.ranking`), A area ranges,
 * K classes.
 */
export interface CocoMatches {
  readonly options: MatchOptions
  /** `[A * P]` bit t: matched at IoU threshold t. */
  readonly matched: MatchBits
  /** `[A * P]` bit t: neither right nor wrong at threshold t. */
  readonly ignored: MatchBits
  /** `[P]` place among the detections of its image and class, best score first; from `maxDetections` on none counts. */
  readonly rank: Int32Array
  /** `[P]` the truth matched at the first threshold in the first area range, be it ignored or not; -1 for none. */
  readonly truth: Int32Array
  /** `[K * A]` truths that count. */
  readonly counted: Int32Array
}

/**
 * COCO's matching of every image and class at all thresholds and area ranges. Detections of unknown classes take no part.
 * @source pycocotools cocoeval.py evaluate
 */
export function matchCoco(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  options: MatchOptions,
): CocoMatches {
  const matcher = new CellMatcher(truths, options)
  const size = arranged.ranking.order.length
  const matches = emptyMatches(truths, options, matcher, size)
  const placeOf = places(arranged, detections.image.length)
  const writer = new MatchWriter(detections.boxesXywh, matcher, matches, size)
  const { cells } = arranged
  const { order: truthOrder, starts: truthStarts } = arranged.truths
  for (let k = 0; k < truths.categoryIds.length; k++) {
    let d = arranged.ranking.starts[k]!
    let g = truthStarts[k]!
    const lastTruth = truthStarts[k + 1]!
    const last = arranged.ranking.starts[k + 1]!
    while (d < last) {
      const image = detections.image[cells[d]!]!
      let end = d + 1
      while (end < last && detections.image[cells[end]!] === image) end++
      while (g < lastTruth && truths.image[truthOrder[g]!]! < image) g++
      let truthEnd = g
      while (truthEnd < lastTruth && truths.image[truthOrder[truthEnd]!] === image) truthEnd++
      const found = truthEnd > g && matcher.match(detections.boxesXywh, cells, d, end, truthOrder, g, truthEnd)
      writer.write(cells, d, end, placeOf, found)
      d = end
      g = truthEnd
    }
  }
  return matches
}

/** Matches of nothing yet, with the truths that count. */
export function emptyMatches(
  truths: TruthTable,
  options: MatchOptions,
  matcher: CellMatcher,
  size: number,
): CocoMatches {
  const areas = options.areaRanges.length
  const counted = new Int32Array(truths.categoryIds.length * areas)
  for (let g = 0; g < truths.image.length; g++) {
    for (let a = 0; a < areas; a++) if (!matcher.ignores(g, a)) counted[truths.category[g]! * areas + a]!++
  }
  const bits = () =>
    options.iouThresholds.length <= 16 ? new Uint16Array(areas * size) : new Uint32Array(areas * size)
  return {
    options,
    matched: bits(),
    ignored: bits(),
    rank: new Int32Array(size),
    truth: new Int32Array(size).fill(-1),
    counted,
  }
}

/** Copies what a `CellMatcher` found to the places of the detections. */
class MatchWriter {
  readonly #boxes: Float64Array
  readonly #matcher: CellMatcher
  readonly #matches: CocoMatches
  readonly #size: number
  readonly #from: Float64Array
  readonly #to: Float64Array

  constructor(boxes: Float64Array, matcher: CellMatcher, matches: CocoMatches, size: number) {
    this.#boxes = boxes
    this.#matcher = matcher
    this.#matches = matches
    this.#size = size
    this.#from = Float64Array.from(matches.options.areaRanges, ({ from }) => from)
    this.#to = Float64Array.from(matches.options.areaRanges, ({ to }) => to)
  }

  /** @param found whether the matcher has found anything in this cell */
  write(cells: Int32Array, from: number, to: number, placeOf: Int32Array, found: boolean): void {
    const { matched, ignored, rank, truth } = this.#matches
    const { most, everyThreshold, matched: hits, ignored: skips } = this.#matcher
    const boxes = this.#boxes
    const areas = this.#from.length
    for (let i = from; i < to; i++) {
      const d = cells[i]!
      const place = placeOf[d]!
      const r = i - from
      rank[place] = r
      if (r >= most) continue
      const area = boxes[d * 4 + 2]! * boxes[d * 4 + 3]!
      for (let a = 0, at = place; a < areas; a++, at += this.#size) {
        const hit = found ? hits[a * most + r]! : 0
        const outside = area < this.#from[a]! || area > this.#to[a]! ? everyThreshold & ~hit : 0
        // What is not written is 0 from the start.
        if (hit !== 0) matched[at] = hit
        if (found || outside !== 0) ignored[at] = found ? skips[a * most + r]! | outside : outside
      }
      if (found) truth[place] = this.#matcher.truth[r]!
    }
  }
}

/** Bit a: the box at `i` has an area outside of range a. */
export function outsideRanges(boxesXywh: Float64Array, i: number, ranges: readonly AreaRange[]): number {
  const area = boxesXywh[i + 2]! * boxesXywh[i + 3]!
  return ranges.reduce((bits, { from, to }, a) => (area < from || area > to ? bits | (1 << a) : bits), 0)
}

/** `[D]` the place of each detection. */
function places({ ranking }: Arrangement, detections: number): Int32Array {
  const placeOf = new Int32Array(detections).fill(-1)
  for (let p = 0; p < ranking.order.length; p++) placeOf[ranking.order[p]!] = p
  return placeOf
}
