/** A decoded picture, upright: the one form in which pixels pass between rooms, and from and to users. */
export interface RgbImage {
  /** `[height, width, 3]` RGB, 0..255, row by row. */
  readonly data: Uint8Array
  readonly height: number
  readonly width: number
}

/** `[n * channels]` with 1, 2 or 4 channels to RGB. */
export function spread(data: Uint8Array | Uint8ClampedArray, channels: number): Uint8Array {
  const count = data.length / channels
  const pixels = new Uint8Array(3 * count)
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0]
  for (let i = 0; i < count; i++) {
    pixels[3 * i] = data[channels * i]!
    pixels[3 * i + 1] = data[channels * i + green]!
    pixels[3 * i + 2] = data[channels * i + blue]!
  }
  return pixels
}

/**
 * Turns stored pixels upright.
 * @param orientation - EXIF orientation 1..8; 1 returns the image itself
 * @source Exif 2.3, tag 0x0112
 */
export function orient(image: RgbImage, orientation: number): RgbImage {
  if (orientation <= 1 || orientation > 8) return image
  const { data, height, width } = image
  const swap = orientation >= 5
  const [newHeight, newWidth] = swap ? [width, height] : [height, width]
  const mirrorRows = orientation === 3 || orientation === 4 || orientation === 7 || orientation === 8
  const mirrorColumns = orientation === 2 || orientation === 3 || orientation === 6 || orientation === 7
  const out = new Uint8Array(data.length)
  let at = 0
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      const upY = mirrorRows ? newHeight - 1 - y : y
      const upX = mirrorColumns ? newWidth - 1 - x : x
      const from = 3 * (swap ? upX * width + upY : upY * width + upX)
      out[at++] = data[from]!
      out[at++] = data[from + 1]!
      out[at++] = data[from + 2]!
    }
  }
  return { data: out, height: newHeight, width: newWidth }
}

/** Undoes `orient`: an upright picture as it was stored. */
export function turnBack(image: RgbImage, orientation: number): RgbImage {
  // A quarter turn is undone by the other one; all other orientations undo themselves.
  return orient(image, orientation === 6 ? 8 : orientation === 8 ? 6 : orientation)
}
