import { utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { checkImages } from "../../datasets/check-images.js"
import { fileHeader } from "../../datasets/image/file-size.js"
import { readDataset } from "../../datasets/read.js"
import { png, tempFolder, vocFile, vocObject, writeVocSample } from "./samples.js"

/** One photo of 40 x 30 pixels with an annotation that says another size. */
function annotated(corners: readonly number[], width: number, height: number): string {
  const folder = tempFolder()
  writeVocSample(folder, "", { "Annotations/a.xml": vocFile(vocObject("dog", corners), width, height) })
  return folder
}

test("where a box reaches beyond the annotated size the file's counts, and boxes are clipped to that", async () => {
  for (const [width, height] of [
    [30, 40],
    [20, 15],
  ] as const) {
    const { images, faults } = await readDataset(annotated([11, 11, 39, 29], width, height))
    expect([...images[0]!.boxes]).toEqual([10, 10, 39, 29])
    expect([images[0]!.width, images[0]!.height]).toEqual([40, 30])
    expect(faults.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
      `size-mismatch: the file is 40x30, the annotation says ${width}x${height}, and boxes reach beyond that: the file's size counts`,
    ])
  }
  const { images, faults } = await readDataset(annotated([11, 11, 60, 29], 20, 15))
  expect([...images[0]!.boxes]).toEqual([10, 10, 40, 29])
  expect(faults.map(({ kind }) => kind)).toEqual(["size-mismatch", "box-outside-image"])
})

test("without an annotated size the file's is asked", async () => {
  const { images, faults } = await readDataset(annotated([11, 11, 60, 29], 0, 0))
  expect([...images[0]!.boxes]).toEqual([10, 10, 40, 29])
  expect(faults.map(({ kind }) => kind)).toEqual(["box-outside-image"])
})

test("a photo that was perhaps resized after labelling is told, scaled or refused, as the user says", async () => {
  const folder = annotated([3, 5, 10, 12], 20, 15)
  const kept = await readDataset(folder)
  expect([...kept.images[0]!.boxes]).toEqual([2, 4, 10, 12])
  const [fault] = await checkImages(kept)
  expect(fault).toMatchObject({ kind: "size-mismatch", message: expect.stringContaining("--size-mismatch scale") })
  const scaled = await readDataset(folder, { sizeMismatch: "scale" })
  expect([...scaled.images[0]!.boxes]).toEqual([4, 8, 20, 24])
  expect([...scaled.images[0]!.areas]).toEqual([256])
  expect(scaled.notices!.join()).toContain("1 photos were resized after labelling")
  expect(await checkImages(scaled)).toEqual([])
  await expect(readDataset(folder, { sizeMismatch: "fail" })).rejects.toThrow(
    "the file is 40x30, the annotation says 20x15",
  )
  const otherShape = await readDataset(annotated([3, 5, 10, 12], 20, 20), { sizeMismatch: "scale" })
  expect([...otherShape.images[0]!.boxes]).toEqual([2, 4, 10, 12])
})

test("a header is read again when the file has changed", () => {
  const path = join(tempFolder(), "a.png")
  writeFileSync(path, png(40, 30))
  expect(fileHeader(path)).toMatchObject({ width: 40, height: 30 })
  writeFileSync(path, png(41, 31))
  utimesSync(path, new Date(), new Date(Date.now() + 5000))
  expect(fileHeader(path)).toMatchObject({ width: 41, height: 31 })
})
