import { join } from "node:path"
import { expect, test } from "vitest"
import { datasetFromSamples } from "../../datasets/dataset-from-samples.js"
import type { BoxData } from "../../src/tasks/box-data.js"
import { listenerOf } from "../../src/tasks/hooks.js"
import { type BoxDataConfig, fingerprintOf, readTrainingData } from "../../src/tasks/training/box-data.js"
import { png, tempFolder, vocFile, vocObject, writeFiles } from "../datasets/samples.js"

const usual = {
  split: "train",
  valSplit: "val",
  holdOut: 0.2,
  valEvery: 1,
  corners: "auto",
  sizeMismatch: "keep",
  followLinks: false,
} as const

async function read(data: string, more: Partial<BoxDataConfig> = {}) {
  const lines: string[] = []
  const listener = listenerOf({ onLog: (line) => lines.push(line) })
  return { ...(await readTrainingData({ data, seed: 0, ...usual, ...more }, {}, listener)), lines }
}

/** A VOC folder without lists, of ten images. */
function undivided(): string {
  const folder = tempFolder()
  const names = Array.from({ length: 10 }, (_, i) => `${i}`)
  writeFiles(folder, {
    ...Object.fromEntries(names.map((name) => [`JPEGImages/${name}.png`, png(40, 30)])),
    ...Object.fromEntries(names.map((name) => [`Annotations/${name}.xml`, vocFile(vocObject("dog", [1, 1, 9, 9]))])),
  })
  return folder
}

test("data without splits hold out a fifth by the seed, say so, and record which", async () => {
  const data = undivided()
  const one = await read(data)
  const [kept, held] = [one.training, one.validation!].map(({ images }) => images.map(({ id }) => id)) as [
    string[],
    string[],
  ]
  expect([kept.length, held.length]).toEqual([8, 2])
  expect([...kept, ...held].sort()).toEqual(Array.from({ length: 10 }, (_, i) => `${i}`))
  expect(one.lines.join("\n")).toContain("the data have no splits: 2 of 10 images, drawn with seed 0, are held out")
  expect(fingerprintOf(one)).toEqual({ images: 8, classes: ["dog"], heldOut: held })
  expect((await read(data)).heldOut).toEqual(held)
  // A run that goes on has what it held out, however it was drawn.
  const again = await read(data, { heldOut: ["7", "1"], seed: 3 })
  expect([again.heldOut, again.training.images.length]).toEqual([["1", "7"], 8])
  const others = await Promise.all([1, 2, 3].map(async (seed) => (await read(data, { seed })).heldOut))
  expect(others.some((ids) => String(ids) !== String(held))).toBe(true)
  expect((await read(data, { valEvery: 0 })).training.images.length).toBe(10)
  expect((await read(data, { holdOut: 0.5 })).training.images.length).toBe(5)
  const none = await read(data, { holdOut: 0 })
  expect([none.training.images.length, none.validation, none.lines.at(-1)]).toEqual([
    10,
    undefined,
    "no validation: the data have no splits, and --hold-out is 0",
  ])
})

test("validation images that are training images too are counted", async () => {
  const folder = tempFolder()
  writeFiles(folder, {
    "data.yaml": "train: images\nval: [images, more]\nnames: [cat]\n",
    "images/a.png": png(40, 30),
    "labels/a.txt": "0 0.5 0.5 0.5 0.5\n",
    "more/b.png": png(40, 30),
    "more/b.txt": "0 0.5 0.5 0.5 0.5\n",
  })
  const { lines, validation } = await read(folder)
  expect(validation!.images.length).toBe(2)
  expect(lines.join("\n")).toContain("1 of 2 validation images are training images too")
})

test("samples from code are the same images where their pixels are the same in memory", async () => {
  const sample = () => ({
    image: { data: new Uint8Array(12), width: 2, height: 2 },
    boxes: [[0, 0, 2, 2]],
    labels: ["a"],
  })
  const [one, other] = [sample(), sample()]
  const counted = async (data: BoxData, valData: BoxData) =>
    (await read(data as string, { valData })).lines.filter((line) => line.includes("training images too"))
  expect(await counted([one], [other])).toEqual([])
  expect(await counted([one], [other, one])).toEqual([expect.stringMatching(/^1 of 2 validation images are training/)])
})

test("a data set that was read and validated on has the classes of training by their names", async () => {
  const sample = (label: string) => ({ image: png(40, 30), boxes: [[0, 0, 9, 9]], labels: [label] })
  const valData = await datasetFromSamples([sample("ant"), sample("cat")])
  const { validation } = await read([sample("cat")] as never, { valData })
  expect([validation!.classes, validation!.images.map(({ labels }) => [...labels])]).toEqual([["cat"], [[], [1]]])
})

test("without a split val there is no validation; one that was asked for, or that is broken, is an error", async () => {
  const folder = tempFolder()
  const { images, annotations, categories } = {
    images: [{ id: 1, file_name: "a.png", width: 40, height: 30 }],
    annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 9, 9] }],
    categories: [{ id: 1, name: "cat" }],
  }
  const whole = JSON.stringify({ images, annotations, categories })
  writeFiles(folder, { "annotations/instances_train.json": whole, "train/a.png": png(40, 30) })
  const { validation, lines } = await read(folder)
  expect([validation, lines.at(-1)]).toEqual([undefined, expect.stringMatching(/^no validation: .*"val"/)])
  await expect(read(folder, { valSplit: "vall" })).rejects.toThrow(
    /^validation: .*"vall".* --val-every 0 trains without one$/,
  )
  writeFiles(folder, { "annotations/instances_val.json": whole.slice(0, -9), "val/a.png": png(40, 30) })
  await expect(read(folder)).rejects.toThrow(/^validation: .*instances_val\.json/)
  expect((await read(folder, { valEvery: 0 })).validation).toBeUndefined()
})

test("training on no object at all is refused with its cause", async () => {
  const folder = tempFolder()
  writeFiles(folder, { "data.yaml": "train: images\nnames: [cat]\n", "images/a.png": png(40, 30) })
  await expect(read(folder)).rejects.toThrow(
    "split train has no objects: none of 1 images has one; 0 of 1 images have a label file; looked for labels/a.txt",
  )
  writeFiles(folder, { "data.yaml": "train: list.txt\nnames: [cat]\n", "list.txt": "images/gone.png\n" })
  await expect(read(folder)).rejects.toThrow(
    `${join(folder)}: split train has no images; the first of 1 faults is images/gone.png: missing-image`,
  )
})
