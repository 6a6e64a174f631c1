import { reasonOf, whyTooLarge } from "./image/decode.js"
import { imageFileSize } from "./image/file-size.js"
import { expectPixels } from "./image/pixels.js"
import { type Frame, frameOf, openDefaults, type Photo, type PhotoProblem, sourceOf } from "./open-sample.js"
import type { PhotoFaults } from "./photo-faults.js"

/** Size of what `openSample` gives for a photo, and the EXIF orientation 1..8 of its file. */
export interface PhotoSize extends Pick<Frame, "frame"> {
  readonly width: number
  readonly height: number
  readonly orientation: number
}

/**
 * The size of a photo in the frame of its boxes, from the head of its file: undefined when it cannot be told, or the photo
 * is too large. Never throws for a photo.
 */
export async function photoSize(
  photo: Photo,
  maxPixels: number = openDefaults.maxPixels,
): Promise<{ readonly size: PhotoSize | undefined; readonly problems: readonly PhotoProblem[] }> {
  const failed = (kind: PhotoProblem["kind"], message: string) => ({ size: undefined, problems: [{ kind, message }] })
  try {
    const source = await sourceOf(photo)
    const isFile = typeof source === "string" || source instanceof Uint8Array
    const upright = isFile ? await imageFileSize(source) : { ...expectPixels(source), orientation: 1 }
    const { width, height, orientation } = upright
    if (!(width >= 1 && height >= 1)) return failed("unreadable-image", `it says that it is ${width}x${height}`)
    const tooLarge = whyTooLarge(width, height, maxPixels)
    if (tooLarge !== undefined) return failed("oversized-image", tooLarge)
    const { frame, problem } = frameOf(upright, photo)
    const sides = frame === "stored" ? { width: height, height: width } : { width, height }
    return { size: { ...sides, frame, orientation }, problems: problem ? [problem] : [] }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return failed("missing-image", "there is no such file")
    return failed("unreadable-image", reasonOf(error as Error))
  }
}

/** Records with the sizes of their pictures in place of the annotated ones, without those whose size cannot be told. */
export async function withPhotoSizes<Record extends Photo>(
  records: readonly Record[],
  faults: PhotoFaults,
  onPhoto?: (done: number, total: number) => void,
): Promise<(Record & { readonly width: number; readonly height: number })[]> {
  const sized: (Record & { readonly width: number; readonly height: number })[] = []
  for (const [i, record] of records.entries()) {
    const { size, problems } = await photoSize(record)
    faults.add(record, problems)
    if (size !== undefined) sized.push({ ...record, width: size.width, height: size.height })
    onPhoto?.(i + 1, records.length)
  }
  return sized
}
