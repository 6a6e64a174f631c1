import type { Boxes } from "../boxes/boxes.js"
import { boxArea } from "../boxes/iou.js"
import { type AnchorLevel, type AnchorOptions, anchorLevels, cellAnchors } from "./anchors.js"

/** The objects of one image, and the maps on which its anchors stand. */
export interface FitImage {
  /** `[G * 4]` x1, y1, x2, y2 in input pixels. */
  readonly boxes: Boxes
  /** `[height, width]` of each feature map, finest first. */
  readonly levels: readonly (readonly [height: number, width: number])[]
}

/**
 * The IoU of each object with the anchor that overlaps it most, of all anchors at all positions, those over the image's
 * border too. No anchor is made: along each axis the best place of a shape is the one whose centre is nearest.
 * @returns image after image, 0..1
 */
export function bestIous(images: readonly FitImage[], options: AnchorOptions): Float32Array {
  return Float32Array.from(
    images.flatMap(({ boxes, levels }) => {
      const grids = anchorLevels(levels, options).map((level) => ({ level, shapes: cellAnchors(level.options) }))
      return Array.from({ length: boxes.length / 4 }, (_, i) => {
        let best = 0
        for (const { level, shapes } of grids) {
          for (let k = 0; k < shapes.length / 4; k++) best = Math.max(best, shapeIou(boxes, i, shapes, k, level))
        }
        return best
      })
    }),
  )
}

/** The largest IoU of box `i` with shape `k` of `shapes` (around the origin) at any cell of a level. */
export function shapeIou(boxes: Boxes, i: number, shapes: Boxes, k: number, { strides, cells }: AnchorLevel): number {
  const [p, q] = [4 * i, 4 * k]
  const across = bestOverlap(boxes[p]!, boxes[p + 2]!, shapes[q]!, shapes[q + 2]!, strides[1], cells[1])
  const down = bestOverlap(boxes[p + 1]!, boxes[p + 3]!, shapes[q + 1]!, shapes[q + 3]!, strides[0], cells[0])
  const shared = across * down
  return shared === 0 ? 0 : shared / (boxArea(boxes, i) + boxArea(shapes, k) - shared)
}

/** The longest stretch that an interval shares with another one, which may be moved to any of `cells` places. */
function bestOverlap(from: number, to: number, low: number, high: number, stride: number, cells: number): number {
  const nearest = Math.round((from + to - low - high) / 2 / stride)
  const place = Math.min(Math.max(nearest, 0), cells - 1) * stride
  return Math.max(0, Math.min(to, high + place) - Math.max(from, low + place))
}

/** The share of values that are at least `threshold`; NaN of none. */
export function recallAt(ious: Float32Array, threshold: number): number {
  return ious.reduce((count, value) => count + Number(value >= threshold), 0) / ious.length
}
