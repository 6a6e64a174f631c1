import type { RgbImage } from "../../datasets/image/rgb.js"

/** Shares are kept as whole numbers of this many bits, so that every machine gives the same pixels. */
const shareBits = 22
const half = 1 << (shareBits - 1)

/**
 * Resizes with a triangle filter that grows with the reduction (antialiased bilinear), rounding to 8 bits after the
 * columns and again after the rows: what classifiers are tested on elsewhere, to the last bit. The detector's resize has
 * no antialias; see docs/differences.md.
 * @returns `image` itself where the size is the same
 * @source Pillow 9 `Image.resize(..., BILINEAR)`, which torchvision's classification presets use
 */
export function resizeAntialiased(image: RgbImage, height: number, width: number): RgbImage {
  const wide = width === image.width ? image : resizeColumns(image, width)
  return height === wide.height ? wide : resizeRows(wide, height)
}

function resizeColumns({ data: pixels, height, width }: RgbImage, newWidth: number): RgbImage {
  const { first, count, shares, most } = weights(width, newWidth)
  const out = new Uint8Array(3 * height * newWidth)
  let at = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      let [red, green, blue] = [half, half, half]
      let from = 3 * (y * width + first[x]!)
      for (let k = x * most; k < x * most + count[x]!; k++, from += 3) {
        const share = shares[k]!
        red += share * pixels[from]!
        green += share * pixels[from + 1]!
        blue += share * pixels[from + 2]!
      }
      out[at++] = red >> shareBits
      out[at++] = green >> shareBits
      out[at++] = blue >> shareBits
    }
  }
  return { data: out, height, width: newWidth }
}

function resizeRows({ data: pixels, height, width }: RgbImage, newHeight: number): RgbImage {
  const { first, count, shares, most } = weights(height, newHeight)
  const row = 3 * width
  const out = new Uint8Array(row * newHeight)
  const sums = new Int32Array(row)
  for (let y = 0; y < newHeight; y++) {
    sums.fill(half)
    for (let k = 0; k < count[y]!; k++) {
      const share = shares[y * most + k]!
      const from = row * (first[y]! + k)
      for (let i = 0; i < row; i++) sums[i]! += share * pixels[from + i]!
    }
    for (let i = 0; i < row; i++) out[y * row + i] = sums[i]! >> shareBits
  }
  return { data: out, height: newHeight, width }
}

/** For every output place the input places that reach it: the first, how many, and their shares, `most` slots each. */
function weights(from: number, to: number) {
  const scale = from / to
  // Enlarging needs no wider filter than one pixel to each side.
  const reach = Math.max(scale, 1)
  const most = 2 * Math.ceil(reach) + 1
  const first = new Int32Array(to)
  const count = new Int32Array(to)
  const shares = new Int32Array(to * most)
  const raw = new Float64Array(most)
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale
    const begin = Math.max(0, Math.trunc(centre - reach + 0.5))
    const end = Math.min(from, Math.trunc(centre + reach + 0.5))
    let sum = 0
    for (let k = 0; k < end - begin; k++) {
      raw[k] = Math.max(0, 1 - Math.abs((begin + k - centre + 0.5) / reach))
      sum += raw[k]!
    }
    first[i] = begin
    count[i] = end - begin
    for (let k = 0; k < end - begin; k++) shares[i * most + k] = Math.floor((raw[k]! / sum) * 2 ** shareBits + 0.5)
  }
  return { first, count, shares, most }
}
