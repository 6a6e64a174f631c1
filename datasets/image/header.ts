/** What the first bytes of an image file tell, without decoding it. */
export interface ImageHeader {
  readonly format: "jpeg" | "png"
  /** As stored, before EXIF orientation. */
  readonly width: number
  readonly height: number
  /** EXIF orientation 1..8; 1 is upright, 5..8 swap width and height. */
  readonly orientation: number
}

/**
 * Reads size and EXIF orientation of a JPEG or PNG from its bytes (all of them or the first part).
 * @returns undefined when it is neither, or `bytes` ends before the size
 */
export function readHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length >= 24 && view.getUint32(0) === 0x89504e47) {
    return { format: "png", width: view.getUint32(16), height: view.getUint32(20), orientation: 1 }
  }
  return bytes.length >= 4 && view.getUint16(0) === 0xffd8 ? readJpeg(view) : undefined
}

function readJpeg(view: DataView): ImageHeader | undefined {
  let orientation = 1
  for (let at = 2; at + 9 < view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker === 0xff || (marker >= 0xd0 && marker <= 0xd8) || marker === 0x01) {
      at += marker === 0xff ? 1 : 2
      continue
    }
    const length = view.getUint16(at + 2)
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { format: "jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5), orientation }
    if (marker === 0xe1) orientation = exifOrientation(view, at + 4, length - 2) ?? orientation
    at += 2 + Math.max(length, 2)
  }
  return undefined
}

/** The orientation tag (0x0112) of the first image directory of an Exif segment. */
function exifOrientation(view: DataView, start: number, length: number): number | undefined {
  const end = Math.min(start + length, view.byteLength)
  const tiff = start + 6
  if (tiff + 8 > end || view.getUint32(start) !== 0x45786966) return undefined
  const little = view.getUint16(tiff) === 0x4949
  const directory = tiff + view.getUint32(tiff + 4, little)
  if (directory + 2 > end) return undefined
  const count = view.getUint16(directory, little)
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i
    if (entry + 12 > end) return undefined
    if (view.getUint16(entry, little) !== 0x0112) continue
    const value = view.getUint16(entry + 8, little)
    return value >= 1 && value <= 8 ? value : undefined
  }
  return undefined
}
