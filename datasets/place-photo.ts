import { constants, copyFileSync, linkSync, mkdirSync, readFileSync } from "node:fs"
import { dirname, extname } from "node:path"
import { DataError } from "../src/core/errors.js"
import { WriteError, writeWhole } from "../src/core/write-whole.js"
import { encodeImage } from "./image/encode.js"
import { readHeader, withoutOrientation } from "./image/header.js"
import { openSample, type Photo, sourceOf } from "./open-sample.js"
import type { PhotoSize } from "./photo-size.js"

/** How a photo becomes a file whose picture, upright, is the one in which its boxes were drawn. */
export interface PhotoFile {
  /** `copy`: the bytes as they are; `untagged`: a JPEG whose orientation no longer counts; `encode`: a PNG of the pixels. */
  readonly way: "copy" | "untagged" | "encode"
  /** `.jpg`, with its point. */
  readonly ending: string
}

export async function photoFile(photo: Photo, { frame, orientation }: PhotoSize): Promise<PhotoFile> {
  const source = await sourceOf(photo)
  const isAsShown = frame === "upright" || orientation === 1
  if (typeof source === "string" && isAsShown) return { way: "copy", ending: extname(source) }
  const bytes = typeof source === "string" ? readFileSync(source) : source instanceof Uint8Array ? source : undefined
  const format = bytes && readHeader(bytes)?.format
  if (format === "jpeg") return { way: isAsShown ? "copy" : "untagged", ending: ".jpg" }
  return format === "png" && isAsShown ? { way: "copy", ending: ".png" } : { way: "encode", ending: ".png" }
}

/**
 * Writes a photo to its place, and makes the folders on the way.
 * @param link link a file that stays as it is, where the disk allows it
 * @throws DataError for a photo that cannot be decoded and would have to be
 */
export async function placePhoto(photo: Photo, { way }: PhotoFile, to: string, link: boolean): Promise<void> {
  const source = await sourceOf(photo)
  if (way === "copy" && typeof source === "string") return copyOrLink(source, to, link)
  if (way !== "encode") {
    const bytes = typeof source === "string" ? readFileSync(source) : (source as Uint8Array)
    return writeWhole(to, way === "untagged" ? withoutOrientation(bytes) : bytes, { sync: false })
  }
  const { image, problems } = await openSample(photo)
  if (image === undefined) throw new DataError(`${photo.file}: ${problems[0]!.message}`)
  writeWhole(to, await encodeImage(image, { format: "png" }), { sync: false })
}

/** Copies or links a file, and makes the folders on its way. */
export function copyOrLink(from: string, to: string, link: boolean): void {
  mkdirSync(dirname(to), { recursive: true })
  if (link) {
    try {
      linkSync(from, to)
      return
    } catch {
      // Another disk.
    }
  }
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL)
  } catch (error) {
    throw new WriteError(to, error)
  }
}
