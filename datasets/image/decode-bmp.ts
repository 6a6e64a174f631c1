import type { RgbImage } from "./rgb.js"

/**
 * Decodes a Windows bitmap without compression. Ours: of the small libraries `bmp-ts` and `fast-bmp` gave other pixels than
 * Pillow for palettes or rows from the top.
 * @returns its pixels, and whether the file ends before the last of them, which are black then
 * @throws Error for what is none, or is compressed
 * @source Microsoft, "Bitmap Storage"; the fourth byte of 32 bits is left out, as by Pillow's `convert("RGB")`
 */
export function decodeBmp(bytes: Uint8Array): RgbImage & { readonly truncated: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { width, height, bits, isTopDown, start, masks, palette } = layoutOf(view)
  const stride = 4 * Math.ceil((width * bits) / 32)
  const data = new Uint8Array(3 * width * height)
  for (let row = 0; row < height; row++) {
    const from = start + row * stride
    if (from + stride > bytes.length) break
    let to = 3 * width * (isTopDown ? row : height - 1 - row)
    for (let x = 0; x < width; x++, to += 3) {
      if (bits <= 8) {
        const byte = bytes[from + ((x * bits) >> 3)]!
        const index = (byte >> (8 - bits - ((x * bits) & 7))) & ((1 << bits) - 1)
        for (let c = 0; c < 3; c++) data[to + c] = bytes[palette.at + palette.size * index + 2 - c] ?? 0
      } else if (bits === 24) {
        for (let c = 0; c < 3; c++) data[to + c] = bytes[from + 3 * x + 2 - c]!
      } else {
        const value = bits === 16 ? view.getUint16(from + 2 * x, true) : view.getUint32(from + 4 * x, true)
        for (let c = 0; c < 3; c++) data[to + c] = channelOf(value, masks[c]!)
      }
    }
  }
  return { data, width, height, truncated: start + stride * height > bytes.length }
}

/** What a mask takes out of a pixel, stretched to 0..255. */
function channelOf(value: number, mask: number): number {
  if (mask === 0) return 0
  const low = mask & -mask
  const most = (mask / low) >>> 0
  return Math.floor((((value & mask) >>> 0) * 255) / (low >>> 0) / most)
}

function layoutOf(view: DataView) {
  const header = view.getUint32(14, true)
  const isOld = header === 12
  const tall = isOld ? view.getUint16(20, true) : view.getInt32(22, true)
  const width = isOld ? view.getUint16(18, true) : view.getInt32(18, true)
  const bits = view.getUint16(isOld ? 24 : 28, true)
  const compression = isOld ? 0 : view.getUint32(30, true)
  if (![1, 4, 8, 16, 24, 32].includes(bits) || width <= 0 || tall === 0)
    throw new Error("its header is not that of a bitmap")
  if (compression !== 0 && compression !== 3) throw new Error("it is a compressed bitmap: convert it to PNG")
  const own = (at: number) => view.getUint32(at, true)
  const usual = bits === 16 ? [0x7c00, 0x03e0, 0x001f] : [0xff0000, 0xff00, 0xff]
  return {
    ...{ width, height: Math.abs(tall), bits, isTopDown: tall < 0, start: view.getUint32(10, true) },
    masks: compression === 3 ? [own(54), own(58), own(62)] : usual,
    palette: { at: 14 + header, size: isOld ? 3 : 4 },
  }
}
