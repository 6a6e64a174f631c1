import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { loadDigits } from "../../datasets/demo/glyphs.js"
import { makeDigitCrops, makeDigits, makeShapes, writeDigitCrops } from "../../datasets/digits.js"
import { decodeImage } from "../../datasets/image/decode.js"
import { readLabelled } from "../../datasets/read-labelled.js"
import { readSplits } from "../../datasets/splits.js"
import { tempFolder } from "./samples.js"

test("digits are written as a VOC folder whose boxes are inside, apart and of the asked sizes", async () => {
  const folder = join(tempFolder(), "digits")
  await makeDigits(folder, { images: 12, valImages: 4, heights: [30, 60], counts: [2, 3] })
  const sets = await readSplits(folder)
  expect(sets.map(({ split, images }) => [split, images.length])).toEqual([
    ["train", 12],
    ["val", 4],
  ])
  for (const { images, classes, faults } of sets) {
    expect(faults).toEqual([])
    expect(classes.every((name) => /^\d$/.test(name))).toBe(true)
    for (const { boxes, labels, file, height, width } of images) {
      const image = await decodeImage(file)
      expect([image.height, image.width]).toEqual([height, width])
      expect(labels.length).toBeGreaterThanOrEqual(1)
      for (let i = 0; i < labels.length; i++) {
        const [x1, y1, , y2] = boxes.subarray(4 * i, 4 * i + 4)
        expect(y2! - y1!).toBeGreaterThan(27)
        expect(y2! - y1!).toBeLessThan(63)
        for (let j = 0; j < i; j++) {
          const [a1, b1, a2, b2] = boxes.subarray(4 * j, 4 * j + 4)
          const [x2, overlaps] = [boxes[4 * i + 2]!, x1! < a2! && y1! < b2! && y2! > b1!]
          expect(overlaps && x2 > a1!).toBe(false)
        }
      }
    }
  }
})

test("one seed writes the same files, another seed others", async () => {
  const folder = tempFolder()
  const write = async (name: string, seed: number) => {
    await makeShapes(join(folder, name), { images: 1, valImages: 1, seed })
    return readFileSync(join(folder, name, "JPEGImages", "000000.jpg"))
  }
  const first = await write("a", 1)
  expect(first.equals(await write("b", 1))).toBe(true)
  expect(first.equals(await write("c", 2))).toBe(false)
})

test("training and scoring share no digit sample", async () => {
  const { train, val, classes } = await loadDigits()
  expect(classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
  for (const digit of classes.keys()) {
    const seen = new Set(train[digit])
    expect(seen.size).toBeGreaterThan(600)
    expect(val[digit]!.length).toBeGreaterThan(150)
    expect(val[digit]!.some((glyph) => seen.has(glyph))).toBe(false)
  }
})

test("crops hold every class alike and differ from each other", async () => {
  const { pixels, labels, count, side } = await makeDigitCrops({ count: 40, side: 32 })
  expect([count, side, pixels.length]).toEqual([40, 32, 40 * 32 * 32 * 3])
  expect(Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length)).toEqual(
    new Array(10).fill(4),
  )
  const crops = Array.from({ length: 40 }, (_, i) => pixels.subarray(i * 3072, (i + 1) * 3072).join())
  expect(new Set(crops).size).toBe(40)
})

test("crops are written as a folder of classes, which reads back to the very same pixels", async () => {
  const folder = tempFolder()
  await writeDigitCrops(folder, { images: 12, valImages: 10, side: 16 })
  const [train, val] = await Promise.all(["train", "val"].map((split) => readLabelled(folder, { split })))
  expect(train!.classes).toEqual([..."0123456789"])
  expect([train!.labels.length, val!.labels.length]).toEqual([12, 10])
  const { pixels, labels } = await makeDigitCrops({ count: 12, side: 16 })
  const place = Array.from(labels, (label, i) => `train/${label}/${String(i).padStart(6, "0")}.png`)
  for (const index of [0, 11]) {
    const i = place.indexOf(train!.name(index))
    const image = await train!.image(index)
    expect([...image.data]).toEqual([...pixels.subarray(i * 768, (i + 1) * 768)])
  }
})
