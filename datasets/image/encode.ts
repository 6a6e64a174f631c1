import jpeg from "jpeg-js"
import { PNG } from "pngjs"
import { DataError } from "../../src/core/errors.js"
import type { RgbImage } from "./rgb.js"
import { loadSharp } from "./sharp.js"

export interface EncodeOptions {
  readonly format: "jpeg" | "png"
  /** JPEG quality 1..100. */
  readonly quality: number
  /** As in `DecodeOptions`. */
  readonly encoder: "auto" | "javascript"
}

/** @source the usual quality of photo tools; at 90 the chroma of thin lines is still clean */
const encodeDefaults: EncodeOptions = { format: "jpeg", quality: 90, encoder: "auto" }

/** The bytes of a JPEG or PNG file. @throws DataError for a picture that is too large for its format */
export async function encodeImage(image: RgbImage, overrides: Partial<EncodeOptions> = {}): Promise<Uint8Array> {
  const { format, quality, encoder } = { ...encodeDefaults, ...overrides }
  const { data: pixels, width, height } = image
  const sharp = encoder === "javascript" ? undefined : await loadSharp()
  if (sharp !== undefined) {
    const raw = sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    return (format === "png" ? raw.png() : raw.jpeg({ quality })).toBuffer().catch((error: Error) => {
      const [reason] = error.message.split("\n")
      throw new DataError(`a picture of ${width}x${height} cannot be written as ${format} (${reason})`)
    })
  }
  if (format === "jpeg") return jpeg.encode({ data: withAlpha(pixels), width, height }, quality).data
  const png = new PNG({ width, height, colorType: 2, inputColorType: 2, inputHasAlpha: false })
  png.data = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength)
  return PNG.sync.write(png, { colorType: 2, inputColorType: 2, inputHasAlpha: false })
}

/** PNG for a name that ends so, else JPEG. */
export function formatOf(path: string): EncodeOptions["format"] {
  return path.toLowerCase().endsWith(".png") ? "png" : "jpeg"
}

function withAlpha(pixels: Uint8Array): Uint8Array {
  const count = pixels.length / 3
  const out = new Uint8Array(4 * count).fill(255)
  for (let i = 0; i < count; i++) {
    out[4 * i] = pixels[3 * i]!
    out[4 * i + 1] = pixels[3 * i + 1]!
    out[4 * i + 2] = pixels[3 * i + 2]!
  }
  return out
}
