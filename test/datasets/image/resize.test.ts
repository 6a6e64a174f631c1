import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { resizeInto } from "../../../datasets/image/resize.js"
import { resizeWasm } from "../../../datasets/image/resize-wasm.js"
import type { RgbImage } from "../../../datasets/image/rgb.js"
import { assembled } from "../../../scripts/assemble.js"
import { imageNet } from "../../../src/core/normalisation.js"

interface Golden {
  readonly cases: {
    readonly height: number
    readonly width: number
    readonly outHeight: number
    readonly outWidth: number
    readonly pixels: number[]
    readonly values: number[]
  }[]
}

const golden = JSON.parse(readFileSync(new URL("../../golden/resize.json", import.meta.url), "utf8")) as Golden

test.each(golden.cases)("$height x $width to $outHeight x $outWidth gives PyTorch's values", (example) => {
  const { height, width, outHeight, outWidth, pixels, values } = example
  const out = new Float32Array(values.length)
  const target = { out, offset: 0, rowStride: 3 * outWidth, height: outHeight, width: outWidth, flip: false }
  resizeInto({ data: Uint8Array.from(pixels), height, width }, { ...target, ...imageNet })
  let worst = 0
  for (const [i, value] of values.entries()) worst = Math.max(worst, Math.abs(value - out[i]!))
  expect(worst).toBeLessThan(5e-6)
})

test("halfway between two pixels is their mean", () => {
  // Doubling two pixels: centres fall at -0.25, 0.25, 0.75, 1.25 of the input.
  const image = { data: Uint8Array.from([0, 0, 0, 100, 40, 200]), height: 1, width: 2 }
  const out = new Float32Array(12)
  const plain = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const
  resizeInto(image, { out, offset: 0, rowStride: 12, height: 1, width: 4, flip: false, ...plain })
  expect(Array.from(out, Math.round)).toEqual([0, 0, 0, 25, 10, 50, 75, 30, 150, 100, 40, 200])
})

test("a flipped image is the mirror of the plain one, and what lies around it is left alone", () => {
  const image = { data: Uint8Array.from({ length: 5 * 7 * 3 }, (_, i) => (i * 37) % 256), height: 5, width: 7 }
  const run = (flip: boolean) => {
    const out = new Float32Array(8 * 10 * 3).fill(9)
    resizeInto(image, { out, offset: 3 * 10 * 3, rowStride: 30, height: 4, width: 6, flip, ...imageNet })
    return out
  }
  const plain = run(false)
  const mirrored = run(true)
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 6; x++) {
      const at = (3 + y) * 30 + 3 * x
      const across = (3 + y) * 30 + 3 * (5 - x)
      expect([...mirrored.subarray(at, at + 3)]).toEqual([...plain.subarray(across, across + 3)])
    }
  }
  expect(plain.filter((value) => value === 9).length).toBe(8 * 10 * 3 - 4 * 6 * 3)
})

test("the module that is there is the one its source describes", async () => {
  const source = readFileSync("datasets/image/resize.wat", "utf8")
  expect(resizeWasm).toBe((await assembled("resize.wat", source)).toString("base64"))
})

/** Value by value, in double precision. */
function naive(image: RgbImage, height: number, width: number): number[] {
  const place = (to: number, from: number, i: number) => {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5)
    const first = Math.min(Math.floor(at), from - 1)
    return { first, second: Math.min(first + 1, from - 1), share: at - first }
  }
  const values: number[] = []
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const [rows, columns] = [place(height, image.height, y), place(width, image.width, x)]
        const pixel = (row: number, column: number) => image.data[3 * (row * image.width + column) + c]!
        const across = (row: number) =>
          (1 - columns.share) * pixel(row, columns.first) + columns.share * pixel(row, columns.second)
        const value = (1 - rows.share) * across(rows.first) + rows.share * across(rows.second)
        values.push((value / 255 - imageNet.mean[c]!) / imageNet.std[c]!)
      }
  return values
}

test.each([
  [1, 1, 1, 1],
  [1, 1, 3, 2],
  [2, 3, 1, 1],
  [7, 5, 4, 9],
  [33, 17, 50, 40],
  [50, 41, 20, 16],
  [16, 16, 16, 16],
  [5, 2000, 9, 3001],
])("%i x %i to %i x %i is the definition's, after any other size", (height, width, outHeight, outWidth) => {
  const pixels = Uint8Array.from({ length: 3 * height * width }, (_, i) => (i * 7919 + (i >> 3)) % 256)
  const out = new Float32Array(3 * outHeight * outWidth)
  const target = { out, offset: 0, rowStride: 3 * outWidth, height: outHeight, width: outWidth, flip: false }
  resizeInto({ data: pixels, height, width }, { ...target, ...imageNet })
  const expected = naive({ data: pixels, height, width }, outHeight, outWidth)
  let worst = 0
  for (const [i, value] of expected.entries()) worst = Math.max(worst, Math.abs(value - out[i]!))
  expect(worst).toBeLessThan(2e-6)
})
