import { type FaultPolicies, faultPolicies } from "./faults.js"
import { cutRgb } from "./image/cut.js"
import { type DecodedImage, decodeDefaults, decodeImage, ImageError } from "./image/decode.js"
import type { UprightSize } from "./image/file-size.js"
import { copied, type Pixels, rgbOf } from "./image/pixels.js"
import { type RgbImage, turnBack } from "./image/rgb.js"

/** Where the pixels of a photo are: the path of an image file, its bytes, or decoded pixels. */
export type PhotoSource = string | Uint8Array | Pixels

/** A photo to be opened: a record of a data set, or just a file. */
export interface Photo {
  /** Path of the image file; for a photo that is in no file, what faults call it. */
  readonly file: string
  /** Where the pixels are when not in `file`; a function is asked anew each time. */
  readonly image?: PhotoSource | (() => PhotoSource | Promise<PhotoSource>)
  /** Size of the picture in which the boxes were drawn; 0 or absent when it is not known. */
  readonly width?: number
  readonly height?: number
  /** `stored`: the boxes of the whole data set were drawn in stored pixels; absent: the sizes decide. */
  readonly frame?: "stored"
  /** The part of the picture that counts, in whole pixels of it, of which boxes are then told; absent: all of it. */
  readonly window?: PhotoWindow
}

/** x2 and y2 are the first ones outside. */
type PhotoWindow = readonly [x1: number, y1: number, x2: number, y2: number]

/** The size of what counts of a photo. */
export function pictureSize({ width = 0, height = 0, window }: Photo): {
  readonly width: number
  readonly height: number
} {
  return window === undefined ? { width, height } : { width: window[2] - window[0], height: window[3] - window[1] }
}

/** What can be wrong with a photo. */
export interface PhotoProblem {
  readonly kind: ImageError["kind"] | "truncated-image" | "size-mismatch"
  readonly message: string
}

/** A photo as every task sees it. */
export interface Sample {
  /**
   * RGB in the frame of the boxes: upright, or as stored where the annotation was made so. Undefined when the photo
   * cannot be used, or a policy leaves it out.
   */
  readonly image: RgbImage | undefined
  readonly problems: readonly PhotoProblem[]
}

export interface OpenOptions {
  /** Photos with more pixels are refused before they are decoded. */
  readonly maxPixels: number
  readonly policies: FaultPolicies
}

export const openDefaults: OpenOptions = { maxPixels: decodeDefaults.maxPixels, policies: faultPolicies }

/**
 * Opens a photo: the one way from a file to pixels. A photo whose size is the annotated one only before its EXIF
 * orientation is applied is given as it is stored, since its boxes were drawn so. Never throws for a photo; that a policy
 * says `fail` is for `PhotoFaults` to see.
 */
export async function openSample(photo: Photo, overrides: Partial<OpenOptions> = {}): Promise<Sample> {
  const { maxPixels, policies } = { ...openDefaults, ...overrides }
  try {
    const upright = await decode(await sourceOf(photo), maxPixels)
    const { frame, problem } = frameOf(upright, photo)
    const problems = [...(problem ? [problem] : []), ...(upright.truncated ? [truncated] : [])]
    if (problems.some(({ kind }) => policies[kind] === "skip")) return { image: undefined, problems }
    const whole = frame === "stored" ? turnBack(upright, upright.orientation) : upright
    return { image: photo.window ? windowOf(whole, photo.window) : whole, problems }
  } catch (error) {
    if (!(error instanceof ImageError)) throw error
    return { image: undefined, problems: [{ kind: error.kind, message: error.message }] }
  }
}

/** Undefined where the file is smaller than its annotation says, and the window lies outside. */
function windowOf(image: RgbImage, [x1, y1, x2, y2]: PhotoWindow): RgbImage | undefined {
  const [right, bottom] = [Math.min(x2, image.width), Math.min(y2, image.height)]
  return right > x1 && bottom > y1 ? cutRgb(image, [x1, y1, right, bottom]) : undefined
}

/** Where a photo's pixels are. */
export async function sourceOf({ file, image = file }: Photo): Promise<PhotoSource> {
  return typeof image === "function" ? image() : image
}

/** A photo without the rest of its record, as plain data for another thread. */
export async function sendable(photo: Photo): Promise<Photo> {
  const { file, width = 0, height = 0, frame, window } = photo
  return {
    file,
    width,
    height,
    ...(frame && { frame }),
    ...(window && { window }),
    ...(photo.image === undefined ? {} : { image: detached(await sourceOf(photo)) }),
  }
}

/** A copy to another thread takes the whole buffer along, of which a photo may be a small part. */
function detached(source: PhotoSource): PhotoSource {
  const whole = <Bytes extends Uint8Array | Uint8ClampedArray>(bytes: Bytes) =>
    bytes.byteLength < bytes.buffer.byteLength ? copied(bytes) : bytes
  if (typeof source === "string") return source
  return source instanceof Uint8Array ? whole(source) : { ...source, data: whole(source.data) }
}

const truncated: PhotoProblem = {
  kind: "truncated-image",
  message: "the file ends early: the rest of the picture is empty",
}

async function decode(source: PhotoSource, maxPixels: number): Promise<DecodedImage> {
  if (typeof source === "string" || source instanceof Uint8Array) return decodeImage(source, { maxPixels })
  return { ...rgbOf(source), truncated: false, orientation: 1 }
}

/** Which picture of a file the boxes of a photo were drawn in, and what does not fit. */
export interface Frame {
  /** `stored`: the pixels as they are in the file, before its EXIF orientation is applied. */
  readonly frame: "upright" | "stored"
  readonly problem: PhotoProblem | undefined
}

/** Whether the sides have one ratio, as those of a photo that was resized after it was labelled have. */
export function isSameShape(size: Pick<UprightSize, "width" | "height">, width: number, height: number): boolean {
  return Math.abs(size.width * height - size.height * width) <= 0.01 * size.width * height
}

function perhapsResized(upright: UprightSize, width: number, height: number): string {
  if (!isSameShape(upright, width, height)) return ""
  return ". It was perhaps resized after labelling: --size-mismatch scale then scales the boxes"
}

/** Tells the frame of a photo's boxes from the annotated size: some label tools ignore EXIF. */
export function frameOf(
  upright: UprightSize,
  { width = 0, height = 0, frame }: Pick<Photo, "width" | "height" | "frame">,
): Frame {
  if (width === 0) return { frame: "upright", problem: undefined }
  if (upright.width === width && upright.height === height) {
    // Turned by 180 degrees, mirrored or square: both pictures have this size.
    const isAlike = upright.orientation < 5 || width === height
    return { frame: isAlike ? (frame ?? "upright") : "upright", problem: undefined }
  }
  const sizes = `the file is ${upright.width}x${upright.height}, the annotation says ${width}x${height}`
  const isStored = upright.orientation >= 5 && upright.width === height && upright.height === width
  const message = isStored
    ? `${sizes}: its EXIF orientation ${upright.orientation} is ignored, as the annotation does`
    : `${sizes}: the file's size counts${perhapsResized(upright, width, height)}`
  return { frame: isStored ? "stored" : "upright", problem: { kind: "size-mismatch", message } }
}
