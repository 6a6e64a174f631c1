import { orientationOf, type TiffTag, tiffTags } from "./exif.js"
import type { ImageHeader } from "./header.js"

/**
 * Reads size and orientation of a WebP, GIF, BMP or TIFF.
 * @returns undefined when it is none of them, or `view` ends before both are known
 */
export function readOtherHeader(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 26) return undefined
  const mark = view.getUint32(0)
  if (mark === RIFF && view.getUint32(8) === WEBP) return readWebp(view)
  if (mark === GIF) {
    return { format: "gif", width: view.getUint16(6, true), height: view.getUint16(8, true), orientation: 1 }
  }
  if (view.getUint16(0) === BM) return readBmp(view)
  return mark === TIFF_LITTLE || mark === TIFF_BIG ? readTiff(view) : undefined
}

const [RIFF, WEBP, GIF, BM] = [0x52494646, 0x57454250, 0x47494638, 0x424d]
const [TIFF_LITTLE, TIFF_BIG] = [0x49492a00, 0x4d4d002a]
const [VP8, VP8L, VP8X, EXIF] = [0x56503820, 0x5650384c, 0x56503858, 0x45584946]

/** @source RFC 9649; an EXIF chunk may begin with `Exif\0\0`, as in a JPEG */
function readWebp(view: DataView): ImageHeader | undefined {
  let size: { width: number; height: number } | undefined
  let hasExif = false
  for (let at = 12; at + 18 <= view.byteLength; ) {
    const [kind, length] = [view.getUint32(at), view.getUint32(at + 4, true)]
    const start = at + 8
    if (kind === VP8X) {
      hasExif = (view.getUint8(start) & 8) !== 0
      size = { width: 1 + uint24(view, start + 4), height: 1 + uint24(view, start + 7) }
    } else if (size === undefined && kind === VP8) {
      size = { width: view.getUint16(start + 6, true) & 0x3fff, height: view.getUint16(start + 8, true) & 0x3fff }
    } else if (size === undefined && kind === VP8L) {
      const bits = view.getUint32(start + 1, true)
      size = { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
    } else if (kind === EXIF) {
      const tiff = view.getUint32(start) === 0x45786966 ? start + 6 : start
      return size && { format: "webp", ...size, orientation: orientationOf(view, tiff, start + length) ?? 1 }
    }
    if (size !== undefined && !hasExif) return { format: "webp", ...size, orientation: 1 }
    at = start + length + (length % 2)
  }
  return undefined
}

const uint24 = (view: DataView, at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16)

/** Rows run upwards unless the height is negative. */
function readBmp(view: DataView): ImageHeader {
  const isOld = view.getUint32(14, true) === 12
  const width = isOld ? view.getUint16(18, true) : view.getInt32(18, true)
  const height = isOld ? view.getUint16(20, true) : Math.abs(view.getInt32(22, true))
  return { format: "bmp", width, height, orientation: 1 }
}

function readTiff(view: DataView): ImageHeader | undefined {
  const tags = new Map([...tiffTags(view, 0, view.byteLength)].map((place) => [place.tag, place]))
  const [width] = numbersAt(view, tags.get(WIDTH))
  const [height] = numbersAt(view, tags.get(HEIGHT))
  if (width === undefined || height === undefined) return undefined
  return { format: "tiff", width, height, orientation: orientationOf(view, 0, view.byteLength) ?? 1 }
}

const [WIDTH, HEIGHT] = [0x0100, 0x0101]
/** The numbers of a tag, as far as they are there. */
function numbersAt(view: DataView, place: TiffTag | undefined): number[] {
  if (place === undefined || (place.type !== 3 && place.type !== 4)) return []
  const { at, little, type, count } = place
  const size = type === 3 ? 2 : 4
  const start = count * size <= 4 ? at : view.getUint32(at, little)
  const there = Math.min(count, Math.floor(Math.max(0, view.byteLength - start) / size))
  return Array.from({ length: there }, (_, i) => {
    return type === 3 ? view.getUint16(start + 2 * i, little) : view.getUint32(start + 4 * i, little)
  })
}
