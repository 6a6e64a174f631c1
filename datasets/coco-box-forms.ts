import { DataError } from "../src/core/errors.js"
import type { CocoFileAnnotation, CocoFileImage } from "../src/json/coco-file.js"

/** Fewer boxes than these prove nothing. @source ours */
const leastBoxes = 5

/**
 * Refuses boxes that are all written in another form than x, y, width, height in pixels: parts of the image, or corners.
 * @throws DataError that names the form
 */
export function expectPixelBoxes(
  images: readonly { readonly image: CocoFileImage; readonly objects: readonly CocoFileAnnotation[] }[],
  where: string,
): void {
  let [boxes, small, corners, beyond] = [0, 0, 0, 0]
  for (const { image, objects } of images) {
    if (image.width <= 2 || image.height <= 2) continue
    for (const { x, y, width, height } of objects) {
      boxes++
      if ([x, y, width, height].every((value) => value >= 0 && value <= 1.01)) small++
      if (width > x && height > y && width <= image.width + 1 && height <= image.height + 1) corners++
      if (x + width > image.width + 1 || y + height > image.height + 1) beyond++
    }
  }
  if (boxes < leastBoxes) return
  const expected = "Write x, y, width, height in pixels"
  if (small === boxes)
    throw new DataError(
      `${where}: all ${boxes} boxes lie between 0 and 1: they look like parts of the image. ${expected}`,
    )
  if (corners === boxes && beyond >= boxes / 5) {
    throw new DataError(
      `${where}: the boxes look like corners x1, y1, x2, y2: read as x, y, width, height ${beyond} of ${boxes} leave their images, as corners none. ${expected}`,
    )
  }
}
