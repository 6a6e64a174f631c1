import { clearOrientation, orientationOf, orientationTag } from "./exif.js"
import { readOtherHeader } from "./header-others.js"

/** What the first bytes of an image file tell, without decoding it. */
export interface ImageHeader {
  readonly format: "jpeg" | "png" | "webp" | "gif" | "bmp" | "tiff"
  /** As stored, before EXIF orientation. */
  readonly width: number
  readonly height: number
  /** EXIF orientation 1..8; 1 is upright, 5..8 swap width and height. */
  readonly orientation: number
  /** Of a JPEG: 4 are CMYK. */
  readonly channels?: number
}

/**
 * Reads size and EXIF orientation of an image from its bytes (all of them or the first part). Of several EXIF blocks the
 * first counts, as for Pillow.
 * @returns undefined when it is of another format, or `bytes` ends before both are known
 */
export function readHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = viewOf(bytes)
  if (view.byteLength >= 24 && view.getUint32(0) === PNG_MARK) return readPng(view)
  if (view.byteLength >= 4 && view.getUint16(0) === JPEG_MARK) return readJpeg(view)
  return readOtherHeader(view)
}

/** The bytes of a JPEG with its EXIF orientation set to 1, so that every reader shows the stored pixels. */
export function withoutOrientation(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const view = viewOf(copy)
  for (const { marker, at, length } of jpegSegments(view)) {
    const tag = marker === APP1 ? orientationTag(view, at + 6, at + length) : undefined
    if (tag !== undefined && isExif(view, at)) clearOrientation(view, tag)
  }
  return copy
}

const PNG_MARK = 0x89504e47
const JPEG_MARK = 0xffd8
const APP1 = 0xe1
/** `IDAT` and `eXIf`. */
const [PNG_DATA, PNG_EXIF] = [0x49444154, 0x65584966]

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** An eXIf chunk counts where it stands before the pixels, as for the decoders. */
function readPng(view: DataView): ImageHeader | undefined {
  const size = { format: "png", width: view.getUint32(16), height: view.getUint32(20) } as const
  let orientation: number | undefined
  for (let at = 8; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const kind = view.getUint32(at + 4)
    if (kind === PNG_DATA) return { ...size, orientation: orientation ?? 1 }
    if (kind === PNG_EXIF) orientation ??= orientationOf(view, at + 8, at + 8 + view.getUint32(at))
  }
  return undefined
}

function readJpeg(view: DataView): ImageHeader | undefined {
  let orientation: number | undefined
  for (const { marker, at, length } of jpegSegments(view)) {
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return jpegHeader(view, at, orientation)
    if (marker === APP1 && isExif(view, at)) orientation ??= orientationOf(view, at + 6, at + length)
  }
  return undefined
}

const jpegHeader = (view: DataView, at: number, orientation = 1): ImageHeader => {
  const [height, width, channels] = [view.getUint16(at + 1), view.getUint16(at + 3), view.getUint8(at + 5)]
  return { format: "jpeg", width, height, orientation, channels }
}

/** The segments of a JPEG with where their content lies. */
function* jpegSegments(view: DataView) {
  for (let at = 2; at + 9 < view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return
    const marker = view.getUint8(at + 1)
    if (marker === 0xff || (marker >= 0xd0 && marker <= 0xd8) || marker === 0x01) {
      at += marker === 0xff ? 1 : 2
      continue
    }
    const length = Math.max(view.getUint16(at + 2), 2)
    yield { marker, at: at + 4, length: length - 2 }
    at += 2 + length
  }
}

function isExif(view: DataView, at: number): boolean {
  return at + 4 <= view.byteLength && view.getUint32(at) === 0x45786966
}
