import { readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { decodeImage } from "../../../datasets/image/decode.js"
import { drawBoxes, saveImage } from "../../../datasets/image/draw.js"
import { encodeImage } from "../../../datasets/image/encode.js"
import { eachDot } from "../../../datasets/image/font.js"
import { labelColour } from "../../../datasets/image/label-colour.js"
import { inkOf } from "../../../datasets/image/letters.js"
import { placeLabels } from "../../../datasets/image/place-labels.js"
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

test("a frame lies on the edge of its box, inside, and the picture given is left alone", async () => {
  const image = blank(100, 120)
  const drawn = await drawBoxes(image, [{ box: [10, 20, 50, 60], label: 3, text: "" }])
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

test("a caption stands above its box, below the upper edge when there is no room, and inside the picture", async () => {
  const image = blank(100, 120)
  const above = await drawBoxes(image, [{ box: [10, 20, 50, 60], label: 1, text: "a" }])
  expect(at(above, 11, 10)).toEqual([...labelColour(1)])
  const inside = await drawBoxes(image, [{ box: [10, 0, 50, 60], label: 1, text: "a" }])
  expect(at(inside, 8, 16)).toEqual([...labelColour(1)])
  const right = await drawBoxes(image, [{ box: [110, 20, 119, 60], label: 1, text: "long" }])
  expect(at(right, 11, 96)).toEqual([...labelColour(1)])
})

test("a box outside the picture draws nothing and breaks nothing", async () => {
  const image = blank(20, 20)
  expect((await drawBoxes(image, [{ box: [30, 30, 50, 50], label: 1, text: "" }])).data).toEqual(image.data)
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

test("of labels that meet the best keeps its place, others move to another edge or are left out", () => {
  const size = { width: 200, height: 100 }
  const label = (y1: number, y2: number) => ({ box: [10, y1, 60, y2], width: 40, height: 10 })
  // The last matters most. Above the first box, there is the second's label.
  expect(placeLabels([label(30, 60), label(30, 70)], size)).toEqual([
    [10, 30],
    [10, 20],
  ])
  // No room above, inside and below are free.
  expect(placeLabels([label(0, 40)], size)).toEqual([[10, 0]])
  const crowd = Array.from({ length: 9 }, () => label(20, 50))
  expect(placeLabels(crowd, size).slice(4)).toEqual([undefined, [10, 40], [10, 50], [10, 20], [10, 10]])
})

test("a label in another script is written by the machine's fonts, and is no row of frames", async () => {
  const dots = await inkOf("cat", 2)
  expect([dots.width, dots.height, new Set(dots.data)]).toEqual([36, 18, new Set([0, 255])])
  const cyrillic = await inkOf("кот & <b>", 2)
  expect(cyrillic.height).toBeGreaterThan(8)
  expect(cyrillic.height).toBeLessThan(40)
  // Grey edges: our own letters have none.
  expect(new Set(cyrillic.data).size).toBeGreaterThan(2)
})

test("lines have the width that is asked for", async () => {
  const box = { box: [10, 20, 50, 60], label: 3, text: "" }
  const image = await drawBoxes(blank(100, 120), [box], { lineWidth: 4 })
  expect([at(image, 23, 30), at(image, 24, 30)]).toEqual([[...labelColour(3)], [7, 7, 7]])
})
