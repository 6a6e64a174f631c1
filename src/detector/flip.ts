import type { Detections } from "../boxes/boxes.js"

/** What was found in the mirror image of a photo that is `width` pixels wide, as it lies in the photo. */
export function mirrorBack(found: Detections, width: number): Detections {
  return { ...found, boxes: mirrorBoxes(found.boxes, width) }
}

/** Boxes `[R * 4]` as they lie in the mirror image. */
function mirrorBoxes(boxes: Float32Array, width: number): Float32Array {
  return boxes.map((_, at) => {
    if (at % 2 === 1) return boxes[at]!
    return width - boxes[at % 4 === 0 ? at + 2 : at - 2]!
  })
}
