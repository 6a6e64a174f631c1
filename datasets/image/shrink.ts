import type { RgbImage } from "./rgb.js"

/** An image at most `longest` pixels long, as means of whole square blocks of pixels; one that is small enough itself. */
export function shrink(image: RgbImage, longest: number): RgbImage {
  const factor = Math.ceil(Math.max(image.width, image.height) / longest)
  if (factor <= 1) return image
  const [width, height] = [Math.ceil(image.width / factor), Math.ceil(image.height / factor)]
  const data = new Uint8Array(3 * width * height)
  for (let y = 0; y < height; y++) {
    const bottom = Math.min(image.height, (y + 1) * factor)
    for (let x = 0; x < width; x++) {
      const right = Math.min(image.width, (x + 1) * factor)
      let [red, green, blue] = [0, 0, 0]
      for (let v = y * factor; v < bottom; v++) {
        for (let at = 3 * (v * image.width + x * factor), end = 3 * (v * image.width + right); at < end; at += 3) {
          red += image.data[at]!
          green += image.data[at + 1]!
          blue += image.data[at + 2]!
        }
      }
      const pixels = (bottom - y * factor) * (right - x * factor)
      const to = 3 * (y * width + x)
      data[to] = Math.round(red / pixels)
      data[to + 1] = Math.round(green / pixels)
      data[to + 2] = Math.round(blue / pixels)
    }
  }
  return { data, width, height }
}
