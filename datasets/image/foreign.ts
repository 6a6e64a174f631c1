import { NoFileError } from "../../src/core/regular-file.js"
import { imageFileStart } from "./image-file.js"

/** Kinds of pictures that no decoder here reads, by their first bytes, and what they are called. */
const kinds: readonly (readonly [test: (head: string) => boolean, name: string])[] = [
  [(head) => /^....ftyp(heic|heix|hevc|heim|heis|hevm)/s.test(head), "HEIC"],
  [(head) => /^....ftyp(mif1|msf1)/s.test(head) && !head.includes("avif"), "HEIC"],
  [(head) => /^....jP {2}\r\n/s.test(head) || head.startsWith("\xff\x4f\xff\x51"), "JPEG 2000"],
  [(head) => head.startsWith("\xff\x0a") || /^....JXL /s.test(head), "JPEG XL"],
  [(head) => head.startsWith("8BPS"), "Photoshop"],
  [(head) => /^P[1-7]\s/.test(head), "PNM"],
  [(head) => head.startsWith("%PDF"), "PDF"],
  [(head) => /^[^\w<]*<(!doctype html|html)/i.test(head), "HTML (perhaps the answer to a failed download)"],
  [(head) => /^[^\w<]*<(svg|\?xml|!)/i.test(head), "SVG"],
  [(head) => head.startsWith("PK\x03\x04"), "zip archive"],
  [(head) => head.startsWith("\x1f\x8b"), "gzip"],
  [(head) => head.startsWith("\0\0\x01\0"), "icon"],
  [(head) => head.startsWith("version https://git-lfs"), "Git LFS pointer (its file was not fetched)"],
]

/** What a file is that holds a picture of a kind that is not decoded; undefined for any other. */
export function foreignPicture(path: string): string | undefined {
  try {
    return foreignKind(imageFileStart(path, 64))
  } catch (error) {
    if (error instanceof NoFileError) return error.message
    throw error
  }
}

function foreignKind(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 64))
  const kind = kinds.find(([test]) => test(head))?.[1]
  return kind === undefined
    ? undefined
    : `it is a file of the kind ${kind}, which is not decoded: convert it to JPEG or PNG`
}

/** Why a file is no image that can be decoded. */
export function notAnImage(bytes: Uint8Array): string {
  if (bytes.length === 0) return "the file is empty"
  const kind = foreignKind(bytes)
  if (kind !== undefined) return kind
  if (bytes.subarray(0, 64).every((byte) => byte === 0)) return "the file begins with zeros only"
  return "it is no image: expected JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP"
}
