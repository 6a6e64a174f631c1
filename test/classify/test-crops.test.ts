import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { resizeAntialiased } from "../../src/classify/resize-antialiased.js"
import {
  checkProcedure,
  cropPlaces,
  cropSizes,
  resizeShorterSide,
  wholeImage,
  writeCrops,
} from "../../src/classify/test-crops.js"
import { UsageError } from "../../src/core/errors.js"

interface Packed {
  readonly height: number
  readonly width: number
  readonly pixels: string
}
interface GoldenCase extends Packed {
  readonly resized: Packed
  readonly centre: string
  readonly ten: readonly (readonly number[])[]
}
const golden: { resize: number; size: number; cases: GoldenCase[] } = JSON.parse(
  readFileSync(new URL("../golden/crops.json", import.meta.url), "utf8"),
)

const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"))
const unpacked = ({ height, width, pixels }: Packed): RgbImage => ({ height, width, data: bytes(pixels) })
/** Leaves the pixels as they are, but for rounding. */
const plain = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const

function crops(image: RgbImage, resize: number, size: number, count: 1 | 10): number[][] {
  const out = new Float32Array(count * 3 * size * size)
  writeCrops(image, { size, resize }, count, plain, out, 0)
  return Array.from({ length: count }, (_, k) =>
    [...out.subarray(k * 3 * size * size, (k + 1) * 3 * size * size)].map(Math.round),
  )
}

test.each(golden.cases)("a $height x $width image is resized as torchvision does, to the last bit", (expected) => {
  expect(resizeShorterSide(unpacked(expected), golden.resize)).toEqual(unpacked(expected.resized))
})

test.each(golden.cases)("the crops of a $height x $width image are torchvision's", (expected) => {
  const image = unpacked(expected)
  const { resize, size } = golden
  expect(crops(image, resize, size, 1)).toEqual([[...bytes(expected.centre)]])
  const ten = crops(image, resize, size, 10).map((values) => [
    ...[0, 1, 2].map((c) => values.filter((_, i) => i % 3 === c).reduce((a, b) => a + b)),
    ...values.slice(0, 3),
  ])
  expect(ten).toEqual(expected.ten)
})

test("an image of the right size is itself, and a flat one stays flat at any size", () => {
  const image = { data: new Uint8Array(3 * 7 * 5).fill(200), height: 7, width: 5 }
  expect(resizeAntialiased(image, 7, 5)).toBe(image)
  for (const [height, width] of [
    [3, 2],
    [7, 11],
    [20, 1],
  ] as const) {
    const resized = resizeAntialiased(image, height, width)
    expect([resized.height, resized.width, new Set(resized.data)]).toEqual([height, width, new Set([200])])
  }
})

test("the ten crops of an image and of its mirror image are the same ten", () => {
  const [height, width] = [4, 7]
  const image = { data: Uint8Array.from({ length: 3 * height * width }, (_, i) => (i * 37) % 256), height, width }
  const mirrored = new Uint8Array(image.data.length)
  for (let i = 0; i < mirrored.length; i++) {
    const [y, x, c] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3]
    mirrored[i] = image.data[3 * (y * width + (width - 1 - x)) + c]!
  }
  const sorted = (of: RgbImage) => crops(of, 4, 2, 10).map(String).sort()
  expect(sorted({ data: mirrored, height, width })).toEqual(sorted(image))
  expect(new Set(sorted(image)).size).toBe(10)
})

test("a centre crop stands in the middle, an odd rest split to even", () => {
  expect(cropPlaces(256, 340, 224, 1)).toEqual([{ top: 16, left: 58, flip: false }])
  expect(cropPlaces(257, 259, 256, 1)).toEqual([{ top: 0, left: 2, flip: false }])
})

test("values are normalised colour by colour", () => {
  const image = { data: Uint8Array.of(255, 51, 0, 0, 102, 255), height: 1, width: 2 }
  const values = wholeImage(image, { mean: [0.5, 0.2, 1], std: [0.5, 0.1, 2] })
  expect([...values].map((value) => Number(value.toFixed(6)))).toEqual([1, 0, -0.5, -1, 2, 0])
})

test("224 is cut out of 256, other sizes in proportion, and images seen whole are not cut", () => {
  expect(cropSizes({ network: "resnet50", size: 224 })).toEqual({ size: 224, resize: 256 })
  expect(cropSizes({ network: "plain18", size: 112 })).toEqual({ size: 112, resize: 128 })
  expect(cropSizes({ network: "plain18", size: 112, resize: 120 })).toEqual({ size: 112, resize: 120 })
  const small = cropSizes({ network: "cifar_resnet20", size: 32 })
  expect(small).toEqual({ size: 32, resize: 32 })
  const ten = { kind: "crops", count: 10 } as const
  expect(() => checkProcedure(ten, "cifar_resnet20", small)).toThrow(
    new UsageError("cifar_resnet20 sees images whole, 32x32, so that there are no 10 crops. Use --crops 1"),
  )
  checkProcedure(ten, "resnet18", cropSizes({ network: "resnet18", size: 224 }))
})
