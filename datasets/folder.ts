import { type Stats, statSync } from "node:fs"
import { dirname, extname, isAbsolute, relative, resolve, win32 } from "node:path"
import { DataError } from "../src/core/errors.js"

/** Endings of image files that are decoded, lower case; of two images with one stem the first counts. */
export const imageEndings: readonly string[] = [
  ".jpg",
  ".jpeg",
  ".jfif",
  ".jpe",
  ".mpo",
  ".png",
  ".webp",
  ".bmp",
  ".tif",
  ".tiff",
  ".gif",
  ".avif",
]

/** Endings of pictures that no decoder here reads: they are told, not passed over. */
const foreignEndings: readonly string[] =
  ".heic .heif .jp2 .j2k .jxl .psd .dng .cr2 .cr3 .nef .arw .raf .orf .tga .exr .hdr .pnm .ppm .pgm .pbm .dcm".split(
    " ",
  )

/** Whether a file's name ends like that of an image that can be decoded. */
export function isImageName(name: string): boolean {
  return imageEndings.includes(extname(name).toLowerCase())
}

/** Whether it ends like that of a picture of any kind. */
export function isPictureName(name: string): boolean {
  return isImageName(name) || foreignEndings.includes(extname(name).toLowerCase())
}

/** A path without its ending. */
export function withoutEnding(name: string): string {
  return name.slice(0, name.length - extname(name).length)
}

export function isFolder(path: string): boolean {
  return look(path)?.isDirectory() ?? false
}

export function isFile(path: string): boolean {
  return look(path)?.isFile() ?? false
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/**
 * Refuses a file name that would lead out of the folder it is meant for.
 * @throws DataError for an absolute name, one with `..`, or one with a NUL
 */
export function expectInside(name: string, where: string): void {
  const steps = name.split(/[\\/]/)
  if (isAbsolute(name) || win32.isAbsolute(name) || steps.includes("..") || name.includes("\0")) {
    throw new DataError(
      `${where}: unsafe-path: the file name ${JSON.stringify(name)} leaves the data folder. Use names relative to it`,
    )
  }
}

/** How faults name a file of a data set: relative to its source, or in full when it lies elsewhere. */
export function nameInside(source: string, file: string): string {
  const root = isFile(source) ? dirname(resolve(source)) : resolve(source)
  const near = relative(root, file).replaceAll("\\", "/")
  return near.startsWith("..") ? file : near
}
