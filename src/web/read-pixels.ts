import { UsageError } from "../core/errors.js"
import type { Drawable } from "./drawable.js"

/** RGBA, 0..255, row by row. */
export interface RgbaPixels {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
}

/**
 * A function that reads pixels by way of one canvas, which is kept: the frames of a video need no new one. Where a picture is
 * transparent they are black.
 */
export function pixelReader(): (drawable: Drawable) => RgbaPixels {
  const canvas = new OffscreenCanvas(1, 1)
  const context = canvas.getContext("2d", { willReadFrequently: true })!
  return ({ picture, width, height }) => {
    if (picture instanceof ImageData) return picture
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
    // Nothing of the picture before shines through.
    context.globalCompositeOperation = "copy"
    context.drawImage(picture, 0, 0, width, height)
    try {
      return context.getImageData(0, 0, width, height)
    } catch (error) {
      throw new UsageError(
        `its pixels cannot be read (${(error as Error).message}). An image of another site needs crossorigin="anonymous" and that site's permission`,
      )
    }
  }
}
