import { readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import type { Dataset } from "../../datasets/dataset.js"
import { readDataset } from "../../datasets/read.js"
import { writeDataset } from "../../datasets/write.js"
import { png, tempFolder, vocFile, vocObject, writeVocSample } from "./samples.js"

const rounded = (dataset: Dataset) =>
  dataset.images.map(({ boxes, labels, width, height }) => ({
    boxes: [...boxes].map((value) => Number(value.toFixed(4))),
    names: [...labels].map((label) => dataset.classes[label - 1]),
    width,
    height,
  }))

test("VOC to COCO to YOLO and back to VOC keeps every box and name", async () => {
  const folder = tempFolder()
  const odd = 'a<b & "c"'
  writeVocSample(join(folder, "voc"), vocObject("dog", [1, 1, 40, 30]) + vocObject("3", [2.5, 3.25, 17, 18]), {
    "JPEGImages/b.png": png(40, 30),
    "Annotations/b.xml": vocFile(vocObject("a&lt;b &amp; &quot;c&quot;", [4, 4, 9, 9])),
    "ImageSets/Main/train.txt": "a\nb\n",
  })
  const first = await readDataset(join(folder, "voc"))
  expect(first.classes).toContain(odd)
  let source = "voc"
  for (const format of ["coco", "yolo", "voc"] as const) {
    const target = `${source}-${format}`
    await writeDataset([await readDataset(join(folder, source))], format, join(folder, target), { link: true })
    const again = await readDataset(join(folder, target))
    expect(again.format).toBe(format)
    expect(again.faults).toEqual([])
    expect(rounded(again)).toEqual(rounded(first))
    source = target
  }
})

test("what is stopped leaves nothing behind", async () => {
  const folder = tempFolder()
  writeVocSample(join(folder, "voc"), vocObject("dog", [1, 1, 40, 30]))
  const signal = AbortSignal.abort(new Error("stopped"))
  const set = await readDataset(join(folder, "voc"))
  await expect(writeDataset([set], "yolo", join(folder, "out"), { signal })).rejects.toThrow("stopped")
  expect(readdirSync(folder)).toEqual(["voc"])
})

test("a folder that exists is left alone", async () => {
  const folder = tempFolder()
  await expect(writeDataset([], "voc", folder)).rejects.toThrow("exists already")
})
