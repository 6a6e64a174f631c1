import { closeSync, openSync, readFileSync, readSync } from "node:fs"
import { readHeader } from "./header.js"
import { loadSharp } from "./sharp.js"

const firstBytes = 64 << 10

/** Size of a picture, upright, and the EXIF orientation 1..8 that made it so. */
export interface UprightSize {
  readonly width: number
  readonly height: number
  readonly orientation: number
}

/**
 * Width and height of an image file, or of its bytes, after EXIF orientation, from its header.
 * @throws Error when it is not an image that can be told
 */
export async function imageFileSize(source: string | Uint8Array): Promise<UprightSize> {
  const header = typeof source === "string" ? fileHeader(source) : readHeader(source)
  if (header !== undefined) {
    const { width, height, orientation } = header
    return orientation >= 5 ? { width: height, height: width, orientation } : { width, height, orientation }
  }
  const sharp = await loadSharp()
  if (sharp === undefined) throw new Error("neither a JPEG nor a PNG, and sharp is not installed")
  const { autoOrient, orientation = 1 } = await sharp(source, { limitInputPixels: false }).metadata()
  return { ...autoOrient, orientation }
}

function fileHeader(path: string) {
  return readHeader(firstPart(path)) ?? readHeader(readFileSync(path))
}

function firstPart(path: string): Uint8Array {
  const file = openSync(path, "r")
  try {
    const bytes = new Uint8Array(firstBytes)
    return bytes.subarray(0, readSync(file, bytes))
  } finally {
    closeSync(file)
  }
}
