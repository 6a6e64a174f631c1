import { type Boxes, boxCount } from "./boxes.js"

/** Cuts boxes to an image of `[height, width]` pixels, in place. */
export function clipBoxes(boxes: Boxes, [height, width]: readonly [number, number]): void {
  for (let at = 0; at < boxes.length; at += 4) {
    boxes[at] = Math.min(Math.max(boxes[at]!, 0), width)
    boxes[at + 1] = Math.min(Math.max(boxes[at + 1]!, 0), height)
    boxes[at + 2] = Math.min(Math.max(boxes[at + 2]!, 0), width)
    boxes[at + 3] = Math.min(Math.max(boxes[at + 3]!, 0), height)
  }
}

/** Which boxes have both sides of at least `side` pixels; NaN never does. */
export function boxesOfSide(boxes: Boxes, side: number): Int32Array {
  const kept = new Int32Array(boxCount(boxes))
  let count = 0
  for (let i = 0; i < kept.length; i++) {
    const at = 4 * i
    if (boxes[at + 2]! - boxes[at]! >= side && boxes[at + 3]! - boxes[at + 1]! >= side) kept[count++] = i
  }
  return kept.subarray(0, count)
}

/** Which boxes lie within an image of `[height, width]` pixels. */
export function boxesInside(boxes: Boxes, [height, width]: readonly [number, number]): Int32Array {
  const kept = new Int32Array(boxCount(boxes))
  let count = 0
  for (let i = 0, at = 0; i < kept.length; i++, at += 4) {
    if (boxes[at]! >= 0 && boxes[at + 1]! >= 0 && boxes[at + 2]! <= width && boxes[at + 3]! <= height) kept[count++] = i
  }
  return kept.subarray(0, count)
}

/** The boxes at `indices`, in that order. */
export function takeBoxes(boxes: Boxes, indices: ArrayLike<number>): Float32Array {
  const taken = new Float32Array(4 * indices.length)
  for (let k = 0; k < indices.length; k++) {
    for (let c = 0; c < 4; c++) taken[4 * k + c] = boxes[4 * indices[k]! + c]!
  }
  return taken
}
