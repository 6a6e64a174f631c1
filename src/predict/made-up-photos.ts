import type { RgbImage } from "../../datasets/image/rgb.js"
import { seededRandom } from "../core/random.js"

/** Rectangles of all sizes and colours, one over the other: something for a detector to look at, the same every time. */
export function madeUpPhoto(height: number, width: number): RgbImage {
  const random = seededRandom(height * 10_000 + width)
  const data = new Uint8Array(3 * height * width).fill(128)
  for (let shape = 0; shape < 60; shape++) {
    const [top, left] = [random.integer(height), random.integer(width)]
    const bottom = Math.min(height, top + 1 + random.integer(height))
    const right = Math.min(width, left + 1 + random.integer(width))
    const colour = [random.integer(256), random.integer(256), random.integer(256)]
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) data.set(colour, 3 * (y * width + x))
    }
  }
  return { data, height, width }
}
