import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { beforeEach, expect, test, vi } from "vitest"
import type { Fault } from "../../datasets/dataset.js"
import { checkDataset } from "../../src/tasks/check-dataset.js"
import { convertDataset } from "../../src/tasks/convert-dataset.js"
import { countDataset } from "../../src/tasks/count-dataset.js"
import type { Progress } from "../../src/tasks/hooks.js"
import { makeDemo } from "../../src/tasks/make-demo.js"
import { splitDataset } from "../../src/tasks/split-dataset.js"
import { viewDataset } from "../../src/tasks/view-dataset.js"
import { png, tempFolder, vocFile, vocObject, writeFiles, writeVocSample } from "../datasets/samples.js"

let folder = ""
let data = ""

beforeEach(() => {
  folder = tempFolder()
  data = join(folder, "data")
  writeVocSample(data, vocObject("dog", [1, 1, 9, 9]) + vocObject("dog", [6, 5, 5, 5]))
})

test("a check returns the faults and prints nothing", async () => {
  const written = vi.spyOn(process.stdout, "write")
  const stderr = vi.spyOn(process.stderr, "write")
  const progress: Progress[] = []
  const check = await checkDataset({ data }, { onProgress: (one) => progress.push(one) })
  expect([written.mock.calls, stderr.mock.calls]).toEqual([[], []])
  vi.restoreAllMocks()
  expect(check).toMatchObject({
    format: "voc",
    counts: { "zero-area-box": 1 },
    splits: [{ split: "train", images: 1 }],
  })
  expect(check.faults).toMatchObject([{ split: "train", kind: "zero-area-box", object: 1 }])
  expect(progress).toEqual([{ job: "check train", done: 1, total: 1 }])
})

test("a check ends with the reason of its signal", async () => {
  await expect(checkDataset({ data }, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough")
})

test("objects are counted at the size that is asked for", async () => {
  const { size, maxSize, splits } = await countDataset({ data, size: 400 })
  expect([size, maxSize]).toEqual([400, 1333])
  expect(splits).toMatchObject([{ split: "train", images: 1, objects: 1, classes: [{ name: "dog", objects: 1 }] }])
})

test("converting and dividing tell each fault and say what was written", async () => {
  const faults: Fault[] = []
  const hooks = { onFault: (fault: Fault) => faults.push(fault) }
  const out = join(folder, "coco")
  expect(await convertDataset({ data, to: "coco", out }, hooks)).toEqual({
    ...{ out, format: "coco" },
    splits: [{ split: "train", images: 1 }],
  })
  expect(JSON.parse(readFileSync(join(out, "annotations/instances_train.json"), "utf8")).annotations).toHaveLength(1)
  const halves = await splitDataset({ data, val: 0.5, out: join(folder, "halves") }, hooks)
  expect(halves.splits.map(({ split }) => split)).toEqual(["train", "val"])
  expect(faults.map(({ kind }) => kind)).toEqual(["zero-area-box", "zero-area-box"])
})

test("a demo is made and its pictures are drawn", async () => {
  const demo = join(folder, "demo")
  const made = await makeDemo({ folder: demo, images: 2, valImages: 1, shapes: true })
  expect(made).toEqual({ folder: demo, objects: "shapes", images: 2, valImages: 1 })
  const { pictures, faults } = await viewDataset({ data: demo, out: join(folder, "seen") })
  expect([pictures.length, faults]).toEqual([3, []])
  expect(pictures.every((path) => existsSync(path))).toBe(true)
})

test("mistakes are refused as on the command line", async () => {
  const misspelt = { data, hedders: true } as { data: string }
  await expect(checkDataset(misspelt)).rejects.toThrow(
    'checkDataset: unknown option "hedders". Did you mean "headers"?',
  )
  const nothing = {} as { data: string }
  await expect(checkDataset(nothing)).rejects.toThrow('checkDataset needs "data": a VOC folder')
  await expect(splitDataset({ data, out: "o", val: 0.5, test: 0.5 })).rejects.toThrow("expected val and test to leave")
  await expect(makeDemo({ folder })).rejects.toThrow("exists already")
})

test("a check says what splits share, also under other names, and where there is nothing to learn", async () => {
  const shared = join(folder, "shared")
  writeVocSample(shared, vocObject("dog", [1, 1, 9, 9]), {
    "JPEGImages/b.png": png(40, 30),
    "JPEGImages/c.png": png(40, 30, [1, 2, 3]),
    "Annotations/b.xml": vocFile(""),
    "Annotations/c.xml": vocFile(""),
    "ImageSets/Main/val.txt": "b\nc\n",
    "ImageSets/Main/test.txt": "c\n",
  })
  const check = await checkDataset({ data: shared })
  expect(check.shared).toEqual([
    { splits: ["train", "val"], count: 1, example: ["a", "b"] },
    { splits: ["val", "test"], count: 1, example: ["c", "c"] },
  ])
  expect(check.empty).toEqual([`${shared}: split val has no objects: none of 2 images has one`])
})

test("a check with fix writes a copy without the faults, and none of them is left", async () => {
  writeFiles(data, {
    "JPEGImages/b.png": "no image",
    "Annotations/b.xml": vocFile(vocObject("dog", [1, 1, 9, 9])),
    "Annotations/a.xml": vocFile(vocObject("dog", [1, 1, 99, 9]) + vocObject("dog", [6, 5, 5, 5])),
    "ImageSets/Main/train.txt": "a\nb\n",
  })
  const out = join(folder, "fixed")
  const { fixed, faults } = await checkDataset({ data, fix: out })
  expect(fixed).toEqual({ out, format: "voc", splits: [{ split: "train", images: 1 }] })
  expect(faults.map(({ kind, action }) => `${kind} ${action}`).sort()).toEqual([
    "box-outside-image fixed",
    "unreadable-image skipped",
    "zero-area-box skipped",
  ])
  expect((await checkDataset({ data: out })).faults).toEqual([])
})
