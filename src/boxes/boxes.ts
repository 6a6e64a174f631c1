/**
 * R boxes in one flat array `[R * 4]`: x1, y1, x2, y2 in pixels, no "+1" (the width is x2 - x1). Whether the pixels are
 * those of the file (image pixels) or of the resized input (input pixels) is said where the array is handed over.
 */
export type Boxes = Float32Array | Float64Array

/** What a detector says of one image: D boxes with their scores and labels, best score first. */
export type Detections = {
  /** `[D * 4]` x1, y1, x2, y2 in the frame the giver names. */
  readonly boxes: Float32Array
  /** `[D]` in 0..1. */
  readonly scores: Float32Array
  /** `[D]` 1..K; the background never appears. */
  readonly labels: Int32Array
}

/** The boxes, or what belongs to them, of several lists, one list behind the other. */
export function concatFloat32(lists: readonly Boxes[]): Float32Array {
  const joined = new Float32Array(lists.reduce((sum, list) => sum + list.length, 0))
  let at = 0
  for (const list of lists) {
    joined.set(list, at)
    at += list.length
  }
  return joined
}

/** How many boxes `boxes` holds. */
export function boxCount(boxes: Boxes): number {
  return boxes.length / 4
}
