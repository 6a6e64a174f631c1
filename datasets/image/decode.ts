import { readFile } from "node:fs/promises"
import jpeg from "jpeg-js"
import { PNG } from "pngjs"
import { readHeader } from "./header.js"
import { orient, type RgbImage } from "./rgb.js"
import { loadSharp } from "./sharp.js"

export interface DecodeOptions {
  /** Images with more pixels are refused before they are decoded. */
  readonly maxPixels: number
  /** `auto`: sharp when it can be loaded, else pure JavaScript (JPEG and PNG only). */
  readonly decoder: "auto" | "sharp" | "javascript"
  /** Turn the image upright by its EXIF orientation. */
  readonly autoOrient: boolean
}

/** @source Pillow `Image.MAX_IMAGE_PIXELS` = 1024^3 / 4 / 3, the size from which it warns of a decompression bomb */
export const decodeDefaults: DecodeOptions = { maxPixels: 89_478_485, decoder: "auto", autoOrient: true }

/** Why an image could not be used. */
export class ImageError extends Error {
  override readonly name = "ImageError"
  readonly kind: "missing-image" | "unreadable-image" | "oversized-image"

  constructor(kind: ImageError["kind"], message: string) {
    super(message)
    this.kind = kind
  }
}

export interface DecodedImage extends RgbImage {
  /** The file ended early: the rest of the picture is grey or black. */
  readonly truncated: boolean
  /** EXIF orientation of the file, 1..8, applied if `autoOrient`. */
  readonly orientation: number
}

/**
 * Decodes an image file, or its bytes, to RGB: grey is spread over three channels, alpha is dropped, CMYK converted, 16
 * bits cut to 8. A truncated file gives what arrived (with sharp; jpeg-js cannot, so that it is unreadable then).
 * @throws ImageError when the image is missing, not decodable or too large
 */
export async function decodeImage(
  source: string | Uint8Array,
  overrides: Partial<DecodeOptions> = {},
): Promise<DecodedImage> {
  const options = { ...decodeDefaults, ...overrides }
  const bytes = typeof source === "string" ? await readBytes(source) : source
  if (bytes.length === 0) throw new ImageError("unreadable-image", "the file is empty")
  const sharp = options.decoder === "javascript" ? undefined : await loadSharp()
  if (sharp !== undefined) return decodeWithSharp(sharp, bytes, options)
  if (options.decoder === "sharp") throw new Error("decodeImage: sharp cannot be loaded. Use decoder: auto")
  return decodeWithJavaScript(bytes, options)
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === "ENOENT") throw new ImageError("missing-image", "there is no such file")
    throw new ImageError("unreadable-image", message)
  }
}

async function decodeWithSharp(
  sharp: NonNullable<Awaited<ReturnType<typeof loadSharp>>>,
  bytes: Uint8Array,
  options: DecodeOptions,
): Promise<DecodedImage> {
  const open = (failOn: "none" | "truncated") => sharp(bytes, { failOn, limitInputPixels: false, sequentialRead: true })
  // Our own look at the head of a JPEG file is quicker than libvips's, which opens the whole.
  const header = readHeader(bytes)
  const metadata = header?.format === "jpeg" ? header : await open("none").metadata().catch(unreadable)
  expectPixels(metadata.width, metadata.height, options)
  const decode = async (failOn: "none" | "truncated") => {
    const upright = options.autoOrient ? open(failOn).autoOrient() : open(failOn)
    return upright.toColourspace("srgb").removeAlpha().raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true })
  }
  let truncated = false
  const { data, info } = await decode("truncated").catch(() => {
    truncated = true
    return decode("none").catch(unreadable)
  })
  const pixels = info.channels === 3 ? data : spread(data, info.channels)
  return { data: pixels, height: info.height, width: info.width, truncated, orientation: metadata.orientation ?? 1 }
}

function decodeWithJavaScript(bytes: Uint8Array, options: DecodeOptions): DecodedImage {
  const header = readHeader(bytes)
  if (header === undefined)
    throw new ImageError("unreadable-image", "neither a JPEG nor a PNG, and sharp is not installed")
  expectPixels(header.width, header.height, options)
  const orientation = header.orientation
  const upright = (image: RgbImage) => (options.autoOrient ? orient(image, orientation) : image)
  if (header.format === "png") {
    const { data, width, height } = attempt(() => PNG.sync.read(Buffer.from(bytes)))
    return { ...upright({ data: spread(data, 4), height, width }), truncated: false, orientation }
  }
  const limits = { maxResolutionInMP: options.maxPixels / 1e6, maxMemoryUsageInMB: 4096, formatAsRGBA: false }
  const image = attempt(() => jpeg.decode(bytes, { useTArray: true, tolerantDecoding: true, ...limits }))
  const truncated = !endsWithMarker(bytes)
  const { data, width, height } = image
  return { ...upright({ data: data as Uint8Array, height, width }), truncated, orientation }
}

/** Some cameras pad the file behind the end marker. */
function endsWithMarker(bytes: Uint8Array): boolean {
  let end = bytes.length
  while (end > 2 && bytes[end - 1] === 0) end--
  return bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9
}

function expectPixels(width: number, height: number, options: DecodeOptions): void {
  if (width * height <= options.maxPixels) return
  const million = (count: number) => `${(count / 1e6).toFixed(1)} million`
  throw new ImageError(
    "oversized-image",
    `${width}x${height} is ${million(width * height)} pixels, more than ${million(options.maxPixels)}`,
  )
}

function attempt<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    return unreadable(error as Error)
  }
}

function unreadable(error: Error): never {
  throw new ImageError("unreadable-image", error.message.replaceAll(/\s+/g, " ").slice(0, 120))
}

/** `[n * channels]` with 1, 2 or 4 channels to RGB. */
function spread(data: Uint8Array, channels: number): Uint8Array {
  const count = data.length / channels
  const pixels = new Uint8Array(3 * count)
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0]
  for (let i = 0; i < count; i++) {
    pixels[3 * i] = data[channels * i]!
    pixels[3 * i + 1] = data[channels * i + green]!
    pixels[3 * i + 2] = data[channels * i + blue]!
  }
  return pixels
}
