import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { SourceImage } from "../../src/predict/source-image.js"
import { countImages, walkImages } from "../../src/predict/walk-images.js"

let folder = ""
const names = ["a.jpg", "a.png", "b.jpg", "b.txt", "c.JPG", "d.jpg.png", "d.jpg", "z/a.jpg", "z/y/b.jpg"]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-walk-"))
  mkdirSync(join(folder, "z/y"), { recursive: true })
  for (const name of names) writeFileSync(join(folder, name), "")
})
afterEach(() => rmSync(folder, { recursive: true }))

async function walk(most?: number): Promise<SourceImage[]> {
  const images: SourceImage[] = []
  for await (const image of walkImages(folder, most)) images.push(image)
  return images
}

test.each([0, 1, 3, 5])(
  "a folder of more names than %i gives the same images as it comes, by the same names",
  async (most) => {
    const inOrder = await walk()
    expect(inOrder.map(({ stem }) => stem)).toEqual(["a.jpg", "a.png", "b", "c", "d", "d.jpg.png", "z/a", "z/y/b"])
    const asTheyCome = await walk(most)
    const byPath = (one: SourceImage, other: SourceImage) => (one.path < other.path ? -1 : 1)
    expect([...asTheyCome].sort(byPath)).toEqual([...inOrder].sort(byPath))
  },
)

test("images are counted as long as that takes a glance", () => {
  expect(countImages(folder, 100, () => true)).toBe(8)
  expect(countImages(folder, 100, (file) => !file.includes("/z/"))).toBe(6)
  expect(countImages(folder, 10, () => true)).toBe(8)
  expect(countImages(folder, 9, () => true)).toBeUndefined()
})
