import { DataError, UsageError } from "../core/errors.js"
import { fetched } from "./model-bytes.js"

/** All that can be looked at: an address, a file or its bytes, pixels, and whatever a canvas can draw. */
export type PictureSource =
  | string
  | URL
  | Blob
  | ArrayBuffer
  | Uint8Array<ArrayBuffer>
  | ImageData
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | VideoFrame

/** A picture that is ready to be drawn, and its size in pixels. */
export interface Drawable {
  readonly picture: ImageData | Exclude<CanvasImageSource, SVGImageElement>
  readonly width: number
  readonly height: number
  /** Frees what was made to draw it; the source itself stays. */
  close(): void
}

/**
 * Opens a picture: files are decoded upright, by their EXIF orientation, their colour profiles ignored; everything else is
 * taken as it is, without being encoded again.
 * @throws UsageError for what is no picture, DataError for a file that is none or an image that did not load
 */
export async function openDrawable(source: PictureSource): Promise<Drawable> {
  if (typeof source === "string" || source instanceof URL) {
    return await decoded(await (await fetched(String(source))).blob(), String(source))
  }
  if (source instanceof Blob) return await decoded(source, source instanceof File ? source.name : "the image")
  if (source instanceof ArrayBuffer || source instanceof Uint8Array)
    return await decoded(new Blob([source]), "the image")
  if (source instanceof ImageData) return sized(source, source.width, source.height)
  if (isA("HTMLImageElement", source)) {
    // Also waits for one that is loading.
    await source.decode().catch(() => {
      throw new DataError(`${source.currentSrc || "the image"}: did not load as an image`)
    })
    return sized(source, source.naturalWidth, source.naturalHeight)
  }
  if (isA("HTMLVideoElement", source)) return sized(source, source.videoWidth, source.videoHeight)
  if (isA("VideoFrame", source)) return sized(source, source.displayWidth, source.displayHeight)
  if (isA("HTMLCanvasElement", source) || source instanceof OffscreenCanvas || source instanceof ImageBitmap) {
    return sized(source, source.width, source.height)
  }
  throw new UsageError("expected an image: a URL, File, Blob, bytes, ImageData, image, ImageBitmap, canvas or video")
}

async function decoded(file: Blob, name: string): Promise<Drawable> {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new DataError(`${name}: is not an image that this browser can read`)
  })
  return { picture: bitmap, width: bitmap.width, height: bitmap.height, close: () => bitmap.close() }
}

/** @throws UsageError for a picture without pixels, such as a video before its first frame */
function sized(picture: Drawable["picture"], width: number, height: number): Drawable {
  if (!(width > 0 && height > 0)) {
    throw new UsageError(`expected an image with pixels, got ${width}x${height}. Wait until it has loaded`)
  }
  return { picture, width, height, close() {} }
}

interface PageClasses {
  readonly HTMLImageElement: HTMLImageElement
  readonly HTMLVideoElement: HTMLVideoElement
  readonly HTMLCanvasElement: HTMLCanvasElement
  readonly VideoFrame: VideoFrame
}

/** Whether a value is of a class that workers, or older browsers, do not have. */
export function isA<Name extends keyof PageClasses>(name: Name, value: unknown): value is PageClasses[Name] {
  const known = (globalThis as Record<string, unknown>)[name]
  return typeof known === "function" && value instanceof known
}
