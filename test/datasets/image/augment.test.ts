import { expect, test } from "vitest"
import {
  channelStatistics,
  copyWindow,
  cutWindow,
  drawColourShift,
  drawShift,
  drawWindow,
  normalisationTable,
} from "../../../datasets/image/augment.js"
import { type Random, seededRandom } from "../../../src/core/random.js"

const plain = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const

/** A 4x4 picture whose pixel (y, x) is (10 y + x, 100, 200). */
const numbered = () =>
  Uint8Array.from({ length: 48 }, (_, i) => [10 * Math.floor(i / 12) + (Math.floor(i / 3) % 4), 100, 200][i % 3]!)

function reds(values: Float32Array): number[] {
  return Array.from({ length: values.length / 3 }, (_, i) => Math.round(values[3 * i]!))
}

function copied(window: { top: number; left: number; mirrored: boolean }, before = 0): number[] {
  const pixels = new Uint8Array(before + 48)
  pixels.set(numbered(), before)
  const out = new Float32Array(48).fill(-1)
  copyWindow(pixels, before, window, { out, offset: 0, size: 4 }, normalisationTable(plain))
  return reds(out)
}

test("a window without a shift is the picture, wherever it stands among others", () => {
  const whole = [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33]
  expect(copied({ top: 0, left: 0, mirrored: false })).toEqual(whole)
  expect(copied({ top: 0, left: 0, mirrored: false }, 96)).toEqual(whole)
})

test("a shifted window holds zeros where it leaves the picture, and mirrors what it holds", () => {
  const shifted = [12, 13, 0, 0, 22, 23, 0, 0, 32, 33, 0, 0, 0, 0, 0, 0]
  expect(copied({ top: 1, left: 2, mirrored: false })).toEqual(shifted)
  expect(copied({ top: 1, left: 2, mirrored: true })).toEqual([0, 0, 13, 12, 0, 0, 23, 22, 0, 0, 33, 32, 0, 0, 0, 0])
})

test("the frame is zero after the mean is taken off, as if it were of the mean colour", () => {
  const out = new Float32Array(48).fill(-1)
  const table = normalisationTable({ mean: [0.5, 0.25, 0.125], std: [0.5, 1, 2] })
  copyWindow(numbered(), 0, { top: 3, left: 3, mirrored: false }, { out, offset: 0, size: 4 }, table)
  expect(out[0]).toBeCloseTo((33 / 255 - 0.5) / 0.5, 6)
  expect(out[1]).toBeCloseTo(100 / 255 - 0.25, 6)
  expect(out[2]).toBeCloseTo((200 / 255 - 0.125) / 2, 6)
  expect([...out.subarray(3)].every((value) => value === 0)).toBe(true)
})

test("shifts reach from one side of the padding to the other, mirrors follow their chance", () => {
  const random = seededRandom(1)
  const drawn = Array.from({ length: 400 }, () => drawShift(4, 0.5, random))
  for (const side of ["top", "left"] as const) {
    expect(new Set(drawn.map((window) => window[side]))).toEqual(new Set([-4, -3, -2, -1, 0, 1, 2, 3, 4]))
  }
  const mirrored = drawn.filter((window) => window.mirrored).length
  expect(mirrored).toBeGreaterThan(150)
  expect(mirrored).toBeLessThan(250)
  expect(drawShift(0, 0, random)).toEqual({ top: 0, left: 0, mirrored: false })
})

test("the shorter side is drawn from its range, both ends included, and the window lies inside", () => {
  const random = seededRandom(2)
  const how = { size: 5, shorter: [6, 8], mirror: 0.5 } as const
  const drawn = Array.from({ length: 300 }, () => drawWindow({ height: 20, width: 30 }, how, random))
  expect(new Set(drawn.map(({ height }) => height))).toEqual(new Set([6, 7, 8]))
  expect(new Set(drawn.map(({ height, width }) => `${height}x${width}`))).toEqual(new Set(["6x9", "7x11", "8x12"]))
  for (const { height, width, top, left } of drawn) {
    expect(top >= 0 && top + 5 <= height && left >= 0 && left + 5 <= width).toBe(true)
  }
  expect(new Set(drawn.filter(({ height }) => height === 6).map(({ top }) => top))).toEqual(new Set([0, 1]))
})

test("a window cut out of an image is that part of it, mirrored in itself, with the shift added", () => {
  const image = { data: numbered(), height: 4, width: 4 }
  const cut = (mirrored: boolean, shift?: readonly [number, number, number]) => {
    const out = new Float32Array(15).fill(-1)
    const window = { height: 4, width: 4, top: 2, left: 0, mirrored }
    cutWindow(image, window, { out, offset: 3, size: 2, ...plain }, shift)
    expect(out[0]).toBe(-1)
    return out.subarray(3)
  }
  expect(reds(cut(false))).toEqual([20, 21, 30, 31])
  expect(reds(cut(true))).toEqual([21, 20, 31, 30])
  const shifted = cut(false, [2 / 255, 0, -1 / 255])
  expect(reds(shifted)).toEqual([22, 23, 32, 33])
  expect(Math.round(shifted[2]!)).toBe(199)
})

test("a colour shift lies along the principal components", () => {
  const draws = [1, 0, 0]
  const random = { ...seededRandom(0), normal: () => draws.shift()! } satisfies Random
  const [red, green, blue] = drawColourShift(0.1, random)
  expect(red).toBeCloseTo(-0.5675 * 0.2175 * 0.1, 9)
  expect(green).toBeCloseTo(-0.5808 * 0.2175 * 0.1, 9)
  expect(blue).toBeCloseTo(-0.5836 * 0.2175 * 0.1, 9)
  expect(drawColourShift(0, seededRandom(5)).every((value) => Math.abs(value) === 0)).toBe(true)
})

test("mean and std are those of each channel; one colour all over is not divided by 0", () => {
  const { mean, std } = channelStatistics(Uint8Array.of(0, 51, 7, 255, 51, 7))
  expect(mean[0]).toBeCloseTo(0.5, 12)
  expect(mean[1]).toBeCloseTo(0.2, 12)
  expect(std[0]).toBeCloseTo(0.5, 12)
  expect(std[1]).toBe(1)
})
