import type { Passes } from "./passes.js"

/**
 * Passes over a photo from those over its mirror image.
 * @param width of the photo, in its pixels
 */
export function mirrorPasses(mirrored: Passes, width: number): Passes {
  return {
    propose: () => mirrorBoxes(mirrored.propose(), width),
    predict(regions) {
      const said = mirrored.predict(mirrorBoxes(regions, width))
      return { ...said, boxes: mirrorBoxes(said.boxes, width) }
    },
  }
}

/** Boxes `[R * 4]` as they lie in the mirror image of a photo that is `width` pixels wide. */
export function mirrorBoxes(boxes: Float32Array, width: number): Float32Array {
  return boxes.map((_, at) => {
    if (at % 2 === 1) return boxes[at]!
    return width - boxes[at % 4 === 0 ? at + 2 : at - 2]!
  })
}
