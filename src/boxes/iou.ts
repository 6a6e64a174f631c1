import { type Boxes, boxCount } from "./boxes.js"

/** Width times height of box `i`, in square pixels; 0 for a box that is inside out. */
export function boxArea(boxes: Boxes, i: number): number {
  const at = 4 * i
  return Math.max(0, boxes[at + 2]! - boxes[at]!) * Math.max(0, boxes[at + 3]! - boxes[at + 1]!)
}

/** Square pixels that box `i` of `a` and box `j` of `b` share. */
export function intersection(a: Boxes, i: number, b: Boxes, j: number): number {
  const p = 4 * i
  const q = 4 * j
  const width = Math.min(a[p + 2]!, b[q + 2]!) - Math.max(a[p]!, b[q]!)
  if (width <= 0) return 0
  const height = Math.min(a[p + 3]!, b[q + 3]!) - Math.max(a[p + 1]!, b[q + 1]!)
  return height <= 0 ? 0 : width * height
}

/** Intersection over union of box `i` of `a` and box `j` of `b`: 0..1, and 0 where both are empty. */
export function iou(a: Boxes, i: number, b: Boxes, j: number): number {
  const shared = intersection(a, i, b, j)
  return shared === 0 ? 0 : shared / (boxArea(a, i) + boxArea(b, j) - shared)
}

/** The largest share of box `i` that lies inside one of `regions` (intersection over the box's own area). */
export function intersectionOverArea(boxes: Boxes, i: number, regions: Boxes): number {
  const area = boxArea(boxes, i)
  if (area === 0) return 0
  let most = 0
  for (let j = 0; j < boxCount(regions); j++) most = Math.max(most, intersection(boxes, i, regions, j) / area)
  return most
}
