import { ImageError } from "./decode.js"
import { type RgbImage, spread } from "./rgb.js"

/** Pixels as programs have them, of which any task makes an `RgbImage`. */
export interface Pixels {
  /** `[height, width, channels]`, 0..255, row by row. */
  readonly data: Uint8Array | Uint8ClampedArray
  readonly height: number
  readonly width: number
  /** 1 is grey, 3 RGB, 4 RGBA, whose alpha is dropped. 3 when absent, or 4 for a canvas's `ImageData`, whose array is clamped. */
  readonly channels?: 1 | 3 | 4 | undefined
}

const names = { 1: "grey", 3: "RGB", 4: "RGBA" } as const

/** Pixels with their channels told, and nothing else. @throws ImageError for an array that its size does not fill */
export function expectPixels(pixels: Pixels): Pixels & { readonly channels: 1 | 3 | 4 } {
  const { data, width, height, channels = data instanceof Uint8ClampedArray ? 4 : 3 } = pixels
  const refuse = (message: string): never => {
    throw new ImageError("unreadable-image", message)
  }
  if (!(channels in names)) refuse(`expected 1, 3 or 4 channels of pixels, got ${channels}`)
  const isSize = [height, width].every((side) => Number.isSafeInteger(side) && side >= 1)
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray
  const count = channels * height * width
  if (isSize && isBytes && data.length === count) return { data, width, height, channels }
  const size = `${height} x ${width} x ${channels} = ${count} bytes`
  return refuse(`expected ${names[channels]} pixels, ${size}, got ${data?.length}`)
}

/** Pixels as RGB; what is RGB already is not copied. @throws ImageError for an array that its size does not fill */
export function rgbOf(pixels: Pixels): RgbImage {
  const { data, width, height, channels } = expectPixels(pixels)
  if (channels !== 3) return { data: spread(data, channels), width, height }
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height }
}

/** A copy of bytes alone, not of all the memory that they are a part of. */
export function copied<Bytes extends Uint8Array | Uint8ClampedArray>(bytes: Bytes): Bytes {
  // The slice of a Buffer would be the same memory.
  return Uint8Array.prototype.slice.call(bytes) as Bytes
}
