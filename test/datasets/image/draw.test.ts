import { readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { decodeImage } from "../../../datasets/image/decode.js"
import { drawBoxes, labelColour, saveImage } from "../../../datasets/image/draw.js"
import { encodeImage } from "../../../datasets/image/encode.js"
import { eachDot } from "../../../datasets/image/font.js"
import type { RgbImage } from "../../../datasets/image/rgb.js"
import { tempFolder } from "../samples.js"

const blank = (height: number, width: number): RgbImage => ({
  data: new Uint8Array(3 * height * width).fill(7),
  height,
  width,
})
const at = ({ data, width }: RgbImage, y: number, x: number) => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
]

test("a frame lies on the edge of its box, inside, and the picture given is left alone", () => {
  const image = blank(100, 120)
  const drawn = drawBoxes(image, [{ box: [10, 20, 50, 60], label: 3, text: "" }])
  const colour = [...labelColour(3)]
  for (const [y, x] of [
    [20, 10],
    [20, 49],
    [59, 10],
    [59, 49],
    [40, 10],
  ] as const) {
    expect(at(drawn, y, x)).toEqual(colour)
  }
  for (const [y, x] of [
    [19, 10],
    [60, 10],
    [40, 9],
    [40, 50],
    [40, 30],
  ] as const) {
    expect(at(drawn, y, x)).toEqual([7, 7, 7])
  }
  expect(image.data.every((value) => value === 7)).toBe(true)
})

test("a caption stands above its box, below the upper edge when there is no room, and inside the picture", () => {
  const image = blank(100, 120)
  const above = drawBoxes(image, [{ box: [10, 20, 50, 60], label: 1, text: "a" }])
  expect(at(above, 11, 10)).toEqual([...labelColour(1)])
  const inside = drawBoxes(image, [{ box: [10, 0, 50, 60], label: 1, text: "a" }])
  expect(at(inside, 8, 16)).toEqual([...labelColour(1)])
  const right = drawBoxes(image, [{ box: [110, 20, 119, 60], label: 1, text: "long" }])
  expect(at(right, 11, 96)).toEqual([...labelColour(1)])
})

test("a box outside the picture draws nothing and breaks nothing", () => {
  const image = blank(20, 20)
  expect(drawBoxes(image, [{ box: [30, 30, 50, 50], label: 1, text: "" }]).data).toEqual(image.data)
})

test("neighbouring labels have colours that can be told apart", () => {
  for (let label = 1; label < 90; label++) {
    const [a, b] = [labelColour(label), labelColour(label + 1)]
    expect(Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) + Math.abs(a[2] - b[2])).toBeGreaterThan(100)
  }
})

test("a letter's dots are as drawn, and an unknown letter is a frame", () => {
  const dots = (text: string) => {
    const rows = Array.from({ length: 7 }, () => ".".repeat(5 * text.length).split(""))
    eachDot(text, (x, y) => {
      rows[y]![x] = "#"
    })
    return rows.map((row) => row.join(""))
  }
  expect(dots("T")).toEqual(["#####", "..#..", "..#..", "..#..", "..#..", "..#..", "..#.."])
  expect(dots("é")[1]).toBe("#...#")
})

test.each(["auto", "javascript"] as const)(
  "PNG keeps every pixel and JPEG nearly, with the encoder %s",
  async (encoder) => {
    const image = { data: Uint8Array.from({ length: 48 * 64 * 3 }, (_, i) => (i * 5) % 200), height: 48, width: 64 }
    const png = await decodeImage(await encodeImage(image, { format: "png", encoder }))
    expect(Buffer.compare(png.data, image.data)).toBe(0)
    const flat = blank(16, 16)
    const jpeg = await decodeImage(await encodeImage(flat, { format: "jpeg", encoder }))
    expect([jpeg.height, jpeg.width]).toEqual([16, 16])
    expect(Math.abs(jpeg.data[0]! - 7)).toBeLessThan(3)
  },
)

test("a saved picture has the format of its name, and nothing is left beside it", async () => {
  const folder = tempFolder()
  await saveImage(join(folder, "deep", "a.png"), blank(4, 4))
  await saveImage(join(folder, "deep", "b.jpg"), blank(4, 4))
  expect(readdirSync(join(folder, "deep")).sort()).toEqual(["a.png", "b.jpg"])
  expect((await decodeImage(join(folder, "deep", "a.png"))).width).toBe(4)
})
