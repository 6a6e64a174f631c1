import type { Normalisation } from "../../src/core/normalisation.js"
import { resizeWasm } from "./resize-wasm.js"
import type { RgbImage } from "./rgb.js"

/** Where a resized image goes and how its values are changed on the way. */
export interface ResizeTarget extends Normalisation {
  /** Gets float32 values row by row, 3 a pixel. */
  readonly out: Float32Array
  /** Index in `out` of the first value. */
  readonly offset: number
  /** Values from one row to the next: 3 * the padded width. */
  readonly rowStride: number
  readonly height: number
  readonly width: number
  /** Mirrors left and right. */
  readonly flip: boolean
}

/**
 * Resizes, mirrors and normalises an image into `target`, in one pass: bilinear, half-pixel centres, no antialias. The
 * one resize of the project: training, scoring and detection see the same pixels. The inner loops are WebAssembly
 * (`resize.wat`): three to four times as fast as in JavaScript.
 * @source PyTorch `F.interpolate(mode="bilinear", align_corners=False, recompute_scale_factor=True)`
 */
export function resizeInto(image: RgbImage, target: ResizeTarget): void {
  const { data: pixels, width } = image
  const { out, offset, rowStride, height, mean, std } = target
  const rows = taps(image.height, height)
  const place = layOut(3 * width, target.width)
  const { memory, blend, mix } = loops
  const floats = new Float32Array(memory.buffer)
  const bytes = new Uint8Array(memory.buffer)
  for (let c = 0; c < 3; c++) {
    floats[c] = 1 / (255 * std[c]!)
    floats[4 + c] = -mean[c]! / std[c]!
  }
  writeColumns(new Int32Array(memory.buffer), floats, taps(width, target.width), target, place)
  const row = floats.subarray(place.row / 4, place.row / 4 + 3 * target.width)
  /** Which of the image's rows the two places for rows hold. */
  const held = [-1, -1]
  const addressOf = (y: number, other: number) => {
    let slot = held.indexOf(y)
    if (slot < 0) {
      slot = held[0] === other ? 1 : 0
      held[slot] = y
      bytes.set(pixels.subarray(3 * width * y, 3 * width * (y + 1)), place.pixels[slot]!)
    }
    return place.pixels[slot]!
  }
  for (let y = 0; y < height; y++) {
    const [first, second] = [rows.first[y]!, rows.second[y]!]
    blend(addressOf(first, second), addressOf(second, first), 3 * width, rows.weight[y]!, place.blended)
    mix(place.left, place.right, place.share, target.width, 0, place.row)
    out.set(row, offset + y * rowStride)
  }
}

/** For every place of an output row, where its two pixels lie and the share of the second; backwards in a mirrored one. */
function writeColumns(
  ints: Int32Array,
  floats: Float32Array,
  { first, second, weight }: Taps,
  { flip, width }: ResizeTarget,
  { left, right, share, blended }: Places,
): void {
  for (let x = 0; x < width; x++) {
    const from = flip ? width - 1 - x : x
    ints[left / 4 + x] = blended + 12 * first[from]!
    ints[right / 4 + x] = blended + 12 * second[from]!
    floats[share / 4 + x] = weight[from]!
  }
}

/** Byte addresses in the loops' memory; the factors and summands of `mix` lie at 0. */
interface Places {
  readonly left: number
  readonly right: number
  readonly share: number
  readonly row: number
  readonly blended: number
  readonly pixels: readonly [number, number]
}

/** Makes room for input rows of so many values and output rows of so many pixels, with what the loops read beyond them. */
function layOut(values: number, width: number): Places {
  let end = 32
  const room = (bytes: number) => {
    const start = end
    end += 16 * Math.ceil(bytes / 16) + 64
    return start
  }
  const [left, right, share] = [room(4 * width), room(4 * width), room(4 * width)]
  const places = { left, right, share, row: room(12 * width), blended: room(4 * values) }
  const pixels = [room(values), room(values)] as const
  const { memory } = loops
  const lacking = Math.ceil((end - memory.buffer.byteLength) / 65_536)
  if (lacking > 0) memory.grow(lacking)
  return { ...places, pixels }
}

interface Loops {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  blend(top: number, bottom: number, count: number, weight: number, to: number): void
  mix(left: number, right: number, share: number, count: number, normalisation: number, to: number): void
}

/** What is used of WebAssembly, whose types come with a browser's. */
interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

const loops = (() => {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyInterface }).WebAssembly
  return new Instance(new Module(Uint8Array.from(atob(resizeWasm), (byte) => byte.charCodeAt(0)))).exports as Loops
})()

/** For every output place the two input places it mixes and the share of the second. */
interface Taps {
  readonly first: Int32Array
  readonly second: Int32Array
  readonly weight: Float64Array
}

function taps(from: number, to: number): Taps {
  const first = new Int32Array(to)
  const second = new Int32Array(to)
  const weight = new Float64Array(to)
  for (let i = 0; i < to; i++) {
    const place = Math.max(0, ((i + 0.5) * from) / to - 0.5)
    first[i] = Math.min(Math.floor(place), from - 1)
    second[i] = Math.min(first[i]! + 1, from - 1)
    weight[i] = place - first[i]!
  }
  return { first, second, weight }
}
