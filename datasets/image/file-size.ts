import { closeSync, openSync, readFileSync, readSync } from "node:fs"
import { readHeader } from "./header.js"
import { loadSharp } from "./sharp.js"

const firstBytes = 64 << 10

/**
 * Width and height of an image file after EXIF orientation, from its header.
 * @throws Error when the file is not an image that can be told
 */
export async function imageFileSize(path: string): Promise<{ width: number; height: number }> {
  const header = readHeader(firstPart(path)) ?? readHeader(readFileSync(path))
  if (header !== undefined) {
    const { width, height, orientation } = header
    return orientation >= 5 ? { width: height, height: width } : { width, height }
  }
  const sharp = await loadSharp()
  if (sharp === undefined) throw new Error(`${path} is neither a JPEG nor a PNG`)
  const { autoOrient } = await sharp(path, { limitInputPixels: false }).metadata()
  return autoOrient
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
