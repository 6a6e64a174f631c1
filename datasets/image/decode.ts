import jpeg from "jpeg-js"
import { PNG } from "pngjs"
import { shortened, visible } from "../../src/core/shown.js"
import { decodeBmp } from "./decode-bmp.js"
import { notAnImage } from "./foreign.js"
import { imageFormat } from "./format.js"
import { type ImageHeader, readHeader } from "./header.js"
import { readImageFile } from "./image-file.js"
import { orient, type RgbImage, spread } from "./rgb.js"
import { loadSharp } from "./sharp.js"

export interface DecodeOptions {
  /** Images with more pixels are refused before they are decoded. */
  readonly maxPixels: number
  /** Images with a longer side are refused: they can be neither drawn nor saved as JPEG. */
  readonly maxSide: number
  /** How long sharp may take. */
  readonly seconds: number
  /** `auto`: sharp when it can be loaded, else pure JavaScript (JPEG, PNG and BMP only). */
  readonly decoder: "auto" | "sharp" | "javascript"
  /** Turn the image upright by its EXIF orientation. */
  readonly autoOrient: boolean
}

/**
 * @source Pillow `Image.MAX_IMAGE_PIXELS` = 1024^3 / 4 / 3, the size from which it warns of a decompression bomb; libjpeg's
 * JPEG_MAX_DIMENSION; a photo of the most pixels takes 2 seconds on a slow core
 */
export const decodeDefaults: DecodeOptions = {
  maxPixels: 89_478_485,
  maxSide: 65_500,
  seconds: 30,
  decoder: "auto",
  autoOrient: true,
}

/** The decoders in JavaScript take some thirty bytes and a quarter of a microsecond a pixel: photos of 40 million have to do. */
const javascriptPixels = 40_000_000

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
 * Decodes an image file, or its bytes, to RGB: grey is spread over three channels, alpha is dropped, CMYK converted as by
 * Pillow, 16 bits cut to 8. Embedded colour profiles are ignored, as by torchvision, detectron2 and OpenCV. A truncated
 * file gives what arrived (with sharp; the JavaScript decoders cannot, so that it is unreadable then).
 * @throws ImageError when the image is missing, not decodable or too large
 */
export async function decodeImage(
  source: string | Uint8Array,
  overrides: Partial<DecodeOptions> = {},
): Promise<DecodedImage> {
  const options = { ...decodeDefaults, ...overrides }
  const bytes = typeof source === "string" ? await readBytes(source) : source
  // Before any decoder sees it: libvips would render a drawing, or follow what a format of its own says.
  if (imageFormat(bytes) === undefined) throw new ImageError("unreadable-image", notAnImage(bytes))
  const sharp = options.decoder === "javascript" ? undefined : await loadSharp()
  if (sharp !== undefined) return decodeWithSharp(sharp, bytes, options)
  if (options.decoder === "sharp") throw new Error("decodeImage: sharp cannot be loaded. Use decoder: auto")
  return decodeWithJavaScript(bytes, options)
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readImageFile(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === "ENOENT") throw new ImageError("missing-image", "there is no such file")
    throw new ImageError("unreadable-image", message)
  }
}

type FailOn = "none" | "truncated" | "error"

type Sharp = NonNullable<Awaited<ReturnType<typeof loadSharp>>>

async function decodeWithSharp(sharp: Sharp, bytes: Uint8Array, options: DecodeOptions): Promise<DecodedImage> {
  const header = readHeader(bytes)
  if (header?.format === "bmp") return decodeBitmap(bytes, header, options)
  const open = (failOn: FailOn) =>
    sharp(bytes, { failOn, limitInputPixels: false, sequentialRead: true, ignoreIcc: true }).timeout({
      seconds: options.seconds,
    })
  // Our own look at the head of a JPEG file is quicker than libvips's, which opens the whole.
  const metadata = header?.format === "jpeg" ? header : await open("none").metadata().catch(unreadable)
  expectPixels(metadata.width, metadata.height, options)
  if (header !== undefined) expectContent(header, bytes)
  // An orientation that our header reader knows is applied by us: what it tells of the size holds for the pixels.
  const isCmyk = "space" in metadata ? metadata.space === "cmyk" : metadata.channels === 4
  const decode = async (failOn: FailOn) => {
    const opened = options.autoOrient && header === undefined ? open(failOn).autoOrient() : open(failOn)
    const pixels = isCmyk
      ? opened.pipelineColourspace("cmyk").toColourspace("cmyk")
      : opened.toColourspace("srgb").removeAlpha()
    return pixels.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true })
  }
  let truncated = false
  // To libtiff missing bytes are an error as any other; what other decoders call one leaves the picture whole.
  const { data, info } = await decode(header?.format === "tiff" ? "error" : "truncated").catch((error: Error) => {
    // What takes too long would take as long again.
    if (isTimeout(error)) return unreadable(error)
    truncated = true
    return decode("none").catch(unreadable)
  })
  const pixels = isCmyk ? fromCmyk(data) : info.channels === 3 ? data : spread(data, info.channels)
  const image = { data: pixels, height: info.height, width: info.width }
  const orientation = header?.orientation ?? metadata.orientation ?? 1
  const turned = options.autoOrient && header !== undefined ? orient(image, orientation) : image
  return { ...turned, truncated, orientation }
}

function decodeBitmap(bytes: Uint8Array, header: ImageHeader, options: DecodeOptions): DecodedImage {
  expectPixels(header.width, header.height, options)
  return { ...attempt(() => decodeBmp(bytes)), orientation: 1 }
}

function decodeWithJavaScript(bytes: Uint8Array, options: DecodeOptions): DecodedImage {
  const header = readHeader(bytes)
  if (header?.format === "bmp") return decodeBitmap(bytes, header, options)
  if (header?.format !== "jpeg" && header?.format !== "png") {
    throw new ImageError("unreadable-image", "it is no JPEG, PNG or BMP that can be read, and sharp is not installed")
  }
  expectPixels(header.width, header.height, { ...options, maxPixels: Math.min(options.maxPixels, javascriptPixels) })
  expectContent(header, bytes)
  const orientation = header.orientation
  const upright = (image: RgbImage) => (options.autoOrient ? orient(image, orientation) : image)
  if (header.format === "png") return { ...upright(decodePng(bytes)), truncated: false, orientation }
  const limits = { maxResolutionInMP: options.maxPixels / 1e6, maxMemoryUsageInMB: 2048, formatAsRGBA: false }
  const image = attempt(() => jpeg.decode(bytes, { useTArray: true, tolerantDecoding: true, ...limits }))
  const truncated = !endsWithMarker(bytes)
  const { data, width, height } = image
  return { ...upright({ data: data as Uint8Array, height, width }), truncated, orientation }
}

/** Of 16 bits the upper 8 are taken, as by libvips and Pillow; pngjs would round. */
function decodePng(bytes: Uint8Array): RgbImage {
  const isDeep = bytes[24] === 16
  const { data, width, height } = attempt(() => PNG.sync.read(Buffer.from(bytes), { skipRescale: isDeep }))
  const values = isDeep ? Uint8Array.from(data as unknown as Uint16Array, (value) => value >> 8) : data
  return { data: spread(values, 4), height, width }
}

/** @source Pillow `libImaging/Convert.c`, `cmyk2rgb` */
function fromCmyk(data: Uint8Array): Uint8Array {
  const count = data.length / 4
  const pixels = new Uint8Array(3 * count)
  for (let i = 0; i < count; i++) {
    const light = 255 - data[4 * i + 3]!
    for (let c = 0; c < 3; c++) {
      const product = data[4 * i + c]! * light + 128
      pixels[3 * i + c] = Math.max(0, light - (((product >> 8) + product) >> 8))
    }
  }
  return pixels
}

/** Some cameras pad the file behind the end marker. */
function endsWithMarker(bytes: Uint8Array): boolean {
  let end = bytes.length
  while (end > 2 && bytes[end - 1] === 0) end--
  return bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9
}

function expectPixels(width: number, height: number, { maxPixels, maxSide }: DecodeOptions): void {
  if (width < 1 || height < 1) throw new ImageError("unreadable-image", `it says that it is ${width}x${height}`)
  const tooLarge = whyTooLarge(width, height, maxPixels, maxSide)
  if (tooLarge !== undefined) throw new ImageError("oversized-image", tooLarge)
}

/**
 * Pixels that a byte of a file can stand for at most: a block of 64 of a JPEG file takes a bit and more, and deflate makes 1,032
 * bytes of one, of eight pixels each.
 * @source ISO/IEC 10918-1; zlib's technical details
 */
const mostPixelsAByte: Readonly<Record<string, number>> = { jpeg: 1024, png: 8 * 1032 }

/** Refuses a few bytes that claim to be a large picture: decoders would make all of it, of grey. */
function expectContent({ format, width, height }: ImageHeader, { length }: Uint8Array): void {
  if (width * height <= (mostPixelsAByte[format] ?? Number.POSITIVE_INFINITY) * length) return
  throw new ImageError("unreadable-image", `it says that it is ${width}x${height}, and has ${length} bytes`)
}

/** Why a picture of a size is not decoded, if so. */
export function whyTooLarge(
  width: number,
  height: number,
  maxPixels: number,
  maxSide: number = decodeDefaults.maxSide,
): string | undefined {
  const million = (count: number) => `${(count / 1e6).toFixed(1)} million`
  if (Math.max(width, height) > maxSide) return `${width}x${height}: a side is longer than ${maxSide} pixels`
  if (width * height <= maxPixels) return undefined
  return `${width}x${height} is ${million(width * height)} pixels, more than ${million(maxPixels)}`
}

function attempt<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    return unreadable(error as Error)
  }
}

function unreadable(error: Error): never {
  throw new ImageError("unreadable-image", reasonOf(error))
}

const isTimeout = ({ message }: Error) => /^timeout:/.test(message)

/** One sentence: libvips says what it tried as well, and the decoders in JavaScript where they stumbled. */
export function reasonOf(error: Error): string {
  const { message } = error
  if (isTimeout(error)) return "it takes too long to decode"
  if (/^Cannot (read|set) propert|is not a function|is not iterable|undefined/.test(message))
    return "its content is broken"
  const sentence = message
    .split("\n")[0]!
    .trim()
    .replace(/^Input buffer (has corrupt header|contains unsupported.*)/, "its header is broken")
  return visible(shortened(sentence.replace(/:$/, ""), 120))
}
