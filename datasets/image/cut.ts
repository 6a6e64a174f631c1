import type { RgbImage } from "./rgb.js"

/**
 * A part of an image, copied.
 * @param window x1, y1, x2, y2 in whole pixels inside the image, x2 and y2 the first ones outside
 */
export function cutRgb(
  { data, width }: RgbImage,
  [x1, y1, x2, y2]: readonly [number, number, number, number],
): RgbImage {
  const cut = { data: new Uint8Array((x2 - x1) * (y2 - y1) * 3), height: y2 - y1, width: x2 - x1 }
  for (let y = y1; y < y2; y++) {
    const from = 3 * (y * width + x1)
    cut.data.set(data.subarray(from, from + 3 * cut.width), 3 * (y - y1) * cut.width)
  }
  return cut
}
