import type { Detections } from "../boxes/boxes.js"
import { bestDetections, joinDetections, takeDetections } from "../boxes/detections.js"
import { boxArea, intersection } from "../boxes/iou.js"
import { orderByScore } from "../boxes/order.js"
import { type SelectOptions, selectCandidates } from "../roi/select.js"
import type { Window } from "./photo.js"

type Size = { readonly height: number; readonly width: number }

/** @source SAHI `get_sliced_prediction`: neighbours share 0.2 of their side */
const tileOverlap = 0.2

/** A box that ends so near to the border of its tile, in parts of the tile's side, is taken for cut by it. */
const borderShare = 0.02

/** A cut box is left out when more than this share of the smaller one lies in a box that stays. @source SAHI, IOS 0.5 */
const coveredIos = 0.5

/** One tile of a photo and the candidates found in it, in pixels of the photo. */
export interface TileCandidates {
  readonly window: Window
  readonly found: Detections
}

/**
 * Square windows that cover a photo, row by row, evenly spread; along a side shorter than `side` there is one, as long as
 * the photo. None for a photo that is no larger than one tile.
 * @param side of a tile, in pixels of the photo
 * @param overlap the minimum overlap of neighbouring tiles, as a share of a tile, below 1
 */
export function tileWindows({ height, width }: Size, side: number, overlap: number = tileOverlap): Window[] {
  if (height <= side && width <= side) return []
  const [rows, columns] = [starts(height, side, overlap), starts(width, side, overlap)]
  return rows.flatMap((y) => columns.map((x) => [x, y, Math.min(x + side, width), Math.min(y + side, height)] as const))
}

function starts(length: number, side: number, overlap: number): number[] {
  if (length <= side) return [0]
  const steps = Math.ceil((length - side) / Math.max(1, Math.floor(side * (1 - overlap))))
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * (length - side)) / steps))
}

/**
 * Detections among the candidates of a whole photo and of its tiles. An object at the border of a tile is seen in part
 * there, and such a part overlaps the object's own box too little for NMS to find it out. So what ends at a border that
 * is not the photo's has to stand back: all others are chosen among first, and it joins only where none of them, nor a
 * better cut one of its class, covers it.
 * @returns in pixels of the photo, best first
 */
export function selectTiled(
  whole: Detections,
  tiles: readonly TileCandidates[],
  size: Size,
  options: SelectOptions,
): Detections {
  const parts = tiles.map(({ found, window }) => separate(found, (i) => isCut(found, i, window, size)))
  const kept = selectCandidates(joinDetections([whole, ...parts.map(({ others }) => others)]), options)
  const cut = joinDetections(parts.map(({ chosen }) => chosen))
  const joined = uncovered(cut, kept)
  return bestDetections(joinDetections([kept, joined]), options.maxDetections)
}

function isCut({ boxes }: Detections, i: number, [x1, y1, x2, y2]: Window, { height, width }: Size): boolean {
  const [left, top, right, bottom] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
  const near = borderShare * Math.max(x2 - x1, y2 - y1)
  return (
    (x1 > 0 && left < x1 + near) ||
    (y1 > 0 && top < y1 + near) ||
    (x2 < width && right > x2 - near) ||
    (y2 < height && bottom > y2 - near)
  )
}

function separate(found: Detections, choose: (i: number) => boolean) {
  const all = [...found.labels.keys()]
  return {
    chosen: takeDetections(found, all.filter(choose)),
    others: takeDetections(
      found,
      all.filter((i) => !choose(i)),
    ),
  }
}

/** Of `cut`, best first, those that no box of their class in `kept` covers, nor one taken before. */
function uncovered(cut: Detections, kept: Detections): Detections {
  const taken: number[] = []
  const covers = (other: Detections, j: number, i: number) => {
    if (other.labels[j] !== cut.labels[i]) return false
    const smaller = Math.min(boxArea(other.boxes, j), boxArea(cut.boxes, i))
    return intersection(other.boxes, j, cut.boxes, i) > coveredIos * smaller
  }
  for (const i of orderByScore(cut.scores)) {
    const isCovered = kept.labels.some((_, j) => covers(kept, j, i)) || taken.some((j) => covers(cut, j, i))
    if (!isCovered) taken.push(i)
  }
  return takeDetections(cut, taken)
}
