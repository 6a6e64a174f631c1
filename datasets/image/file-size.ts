import { closeSync, fstatSync, readSync } from "node:fs"
import { openRegular } from "../../src/core/regular-file.js"
import { notAnImage } from "./foreign.js"
import { imageFormat } from "./format.js"
import { type ImageHeader, readHeader } from "./header.js"
import { imageFileStart, readImageFile, readImageFileNow } from "./image-file.js"
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
  if (header !== undefined) return uprightSize(header)
  const start = typeof source === "string" ? imageFileStart(source, 64) : source
  // Before libvips sees it, which would render a drawing.
  if (imageFormat(start) === undefined) throw new Error(notAnImage(start))
  const sharp = await loadSharp()
  if (sharp === undefined) throw new Error("no image whose header is known, and sharp is not installed")
  const bytes = typeof source === "string" ? await readImageFile(source) : source
  const { autoOrient, orientation = 1 } = await sharp(bytes, { limitInputPixels: false }).metadata()
  return { ...autoOrient, orientation }
}

export function uprightSize({ width, height, orientation }: ImageHeader): UprightSize {
  return orientation >= 5 ? { width: height, height: width, orientation } : { width, height, orientation }
}

interface KnownHeader {
  readonly size: number
  readonly time: number
  readonly header: ImageHeader | undefined
}

/** Headers that were read, by path: a data set's are asked for by its reader, its check and its writer. */
const known = new Map<string, KnownHeader>()

/**
 * What the header of an image file tells; it is read again when the file's size or time has changed.
 * @returns undefined for a format whose header is not known
 * @throws Error for a file that cannot be read
 */
export function fileHeader(path: string): ImageHeader | undefined {
  const { file } = openRegular(path)
  try {
    const { size, mtimeMs: time } = fstatSync(file)
    const before = known.get(path)
    if (before !== undefined && before.size === size && before.time === time) return before.header
    const first = new Uint8Array(Math.min(firstBytes, size))
    const header =
      readHeader(first.subarray(0, readSync(file, first))) ??
      (size > firstBytes ? readHeader(readImageFileNow(path)) : undefined)
    known.set(path, { size, time, header })
    return header
  } finally {
    closeSync(file)
  }
}
