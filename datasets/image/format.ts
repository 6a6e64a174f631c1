/** The kinds of image files that are decoded. */
export type ImageFormat = "jpeg" | "png" | "webp" | "gif" | "tiff" | "avif" | "bmp"

/** Beginnings of files in which `.` stands for any letter. @source the formats' own specifications */
const beginnings: readonly (readonly [string, ImageFormat])[] = [
  ["\xff\xd8\xff", "jpeg"],
  ["\x89PNG\r\n\x1a\n", "png"],
  ["RIFF....WEBP", "webp"],
  ["GIF87a", "gif"],
  ["GIF89a", "gif"],
  ["II*\0", "tiff"],
  ["MM\0*", "tiff"],
  ["II+\0", "tiff"],
  ["MM\0+", "tiff"],
  ["....ftypavif", "avif"],
  ["....ftypavis", "avif"],
  ["BM", "bmp"],
]

/** As many bytes as the beginnings need. */
const needed = 32

const startsWith = (start: string, beginning: string): boolean =>
  start.length >= beginning.length && [...beginning].every((letter, i) => letter === "." || letter === start[i])

/** The format of an image file, told by its content: a name says nothing about what is inside. */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const start = latin1(bytes)
  const format = beginnings.find(([beginning]) => startsWith(start, beginning))?.[1]
  // Other ISO media files name AVIF among what they are compatible with.
  return format ?? (/^....ftyp(mif1|msf1)/s.test(start) && start.includes("avif") ? "avif" : undefined)
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, needed))
