import { createReadStream } from "node:fs"
import { readFile } from "node:fs/promises"
import { expect, test } from "vitest"
import { evaluateCoco } from "../../src/eval/coco.js"
import {
  type CocoAnnotationFile,
  type CocoResultRecord,
  detectionsFromCoco,
  truthsFromCoco,
} from "../../src/eval/coco-records.js"
import { readCocoDetections, readCocoTruths } from "../../src/eval/coco-stream.js"
import { readBytes } from "../../src/json/read-bytes.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"
import { type PlainFile, truthFile } from "./support/cases.js"

const encode = (value: unknown) => {
  const bytes = new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value))
  return Array.from({ length: Math.ceil(bytes.length / 11) }, (_, i) => bytes.slice(i * 11, (i + 1) * 11))
}
const file: PlainFile = {
  ...truthFile(
    [{ box: [0.1, 2, 30.5, 40] }, { box: [5, 6, 70, 80], image: 2, category: 2, crowd: true, area: 12.5 }],
    2,
    2,
  ),
}

test("the stream gives the columns that the parsed file gives, keys in any order", async () => {
  const shuffled = {
    info: { année: ["\\", { deep: [null, true] }] },
    annotations: file.annotations.map((a) => ({ segmentation: [[1, 2.5, 3]], ...a })),
    licenses: [],
    categories: file.categories,
    images: file.images,
  }
  expect(await readCocoTruths(encode(shuffled), "t")).toEqual(truthsFromCoco(file))
})

test("escaped keys and names are understood", async () => {
  const text =
    '{"images":[{"\\u0069d":1,"file_name":"a\\"\\u00e9.jpg"}],"categories":[{"id":3,"name":"x"}],"annotations":[]}'
  expect((await readCocoTruths(encode(text), "t")).imageNames).toEqual(['a"é.jpg'])
})

test.skipIf(withoutSharedData)(
  "the COCO API's sample read from its files gives the numbers of the parsed files",
  async () => {
    const [t, d] = ["instances_val2014_100.json", "instances_val2014_fakebbox100_results.json"].map((name) =>
      sharedData("eval-fixtures/cocoapi", name),
    ) as [string, string]
    const truths = await readCocoTruths(readBytes(t), t)
    const detections = await readCocoDetections(truths, createReadStream(d), d)
    const parsed = truthsFromCoco(JSON.parse(await readFile(t, "utf8")))
    expect(truths).toEqual(parsed)
    expect(detections).toEqual(detectionsFromCoco(parsed, JSON.parse(await readFile(d, "utf8"))))
    expect(evaluateCoco(truths, detections).summary.AP).toBeCloseTo(0.5045806987249628, 12)
  },
)

const right = '{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":0.5}'

test.each([
  ['"bbox":[1,2,-3,4]', "record 1: expected width and height of 0 or more, got [1, 2, -3, 4]"],
  ['"bbox":[1,NaN,3,4]', "record 1: expected a box of finite numbers, got [1, NaN, 3, 4]"],
  ['"bbox":[1,2,3]', "record 1 (byte 110): expected bbox to be four numbers, got [1,2,3]"],
  ['"bbox":[1,2,3,4,5]', "record 1 (byte 110): expected bbox to be four numbers, got [1,2,3,4,5]"],
  ['"bbox":[1,2,"3 px",4]', 'record 1 (byte 110): expected bbox to be four numbers, got [1,2,"3 px",4]'],
  ['"box":[1,2,3,4]', 'record 1 (byte 61): expected a field "bbox", got none'],
  ['"bbox":[1,2,3,4],"bbox":[5,6,7,8]', 'record 1 (byte 127): the field "bbox" is in it twice'],
  ['"bbox":[1,2,3,4],"score":NaN', "record 1: expected a finite score, got NaN"],
  ['"bbox":[1,2,3,4],"score":"high"', 'record 1 (byte 116): expected score to be a number, got "high"'],
  ['"bbox":[1,2,3,4],"image_id":[1]', "record 1 (byte 118): expected image_id to be a whole number or a text, got [1]"],
  ['"bbox":[1,2,3,4],"image_id":1.5', "record 1 (byte 118): expected image_id to be a whole number or a text, got 1.5"],
  [
    '"bbox":[1,2,3,4],"image_id":7',
    "record 1: image_id 7 is not among the 2 images of the ground truth (1 of 2 records",
  ],
])("a wrong record is named: %s", async (part, message) => {
  const truths = truthsFromCoco(file)
  const others = ['"image_id":1', '"category_id":1', '"score":0.5'].filter(
    (field) => !part.includes(field.split(":")[0]!),
  )
  const text = `[${right},{${[...others, part].join(",")}}]`
  const error = await readCocoDetections(truths, encode(text), "results.json").catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ name: "DataError", exitCode: 3 })
  expect((error as Error).message).toContain(`results.json: ${message}`)
})

test.each([
  [{ image_id: 9 }, "annotations[1]: image_id 9 is not among the 2 images of the file"],
  [{ category_id: 9 }, "annotations[1]: category_id 9 is not among the 2 categories of the file"],
  [{ bbox: [0, 0, -1, 5] }, "annotations[1]: expected width and height of 0 or more"],
  [{ bbox: [0, 0, 5, -1] }, "annotations[1]: expected width and height of 0 or more"],
  [{ area: -1 }, "annotations[1]: expected an area of 0 or more, got -1"],
  [{ bbox: null }, "annotations[1]"],
  [{ bbox: [], segmentation: [] }, 'expected a field "bbox", got none'],
  [{ bbox: {} }, "expected bbox to be four numbers, got {}"],
])("a wrong truth is named: %j", async (change, message) => {
  const wrong = { ...file, annotations: file.annotations.map((a, i) => (i === 1 ? { ...a, ...change } : a)) }
  await expect(readCocoTruths(encode(wrong), "truths.json")).rejects.toThrow(message)
  expect(() => truthsFromCoco(wrong as PlainFile, "truths.json")).toThrow(message)
})

test("an id that appears twice, a missing list and a results file given as truths are refused", async () => {
  const twice = { ...file, images: [...file.images, file.images[0]] }
  await expect(readCocoTruths(encode(twice), "t.json")).rejects.toThrow(
    "t.json: images: expected each id once, got 1 twice",
  )
  await expect(readCocoTruths(encode({ images: [] }), "t.json")).rejects.toThrow('got no "categories"')
  await expect(readCocoTruths(encode([]), "t.json")).rejects.toThrow("COCO's annotation file")
})

test("a file that is not there is the user's mistake, in one line", async () => {
  const truths = readCocoTruths(readBytes("/nowhere/t.json"), "t.json")
  await expect(truths).rejects.toThrow("/nowhere/t.json: expected a readable file, got ENOENT")
})

test.each([-1, 2 ** 40, 1.5])("a result of image %d is refused, as is any that the truths lack", (imageId) => {
  const truths = truthsFromCoco({ images: [{ id: 0 }, { id: 3 }], categories: [{ id: 1 }], annotations: [] })
  const results = [{ image_id: imageId, category_id: 1, bbox: [0, 0, 1, 1], score: 1 }]
  expect(() => detectionsFromCoco(truths, results)).toThrow(/record 0/)
})

test("category ids beyond 32 bits stay themselves", () => {
  const id = 2 ** 40 + 1
  const truths = truthsFromCoco({ images: [{ id: 1 }], categories: [{ id }, { id: 7 }], annotations: [] })
  expect([...truths.categoryIds]).toEqual([7, id])
  const { category } = detectionsFromCoco(truths, [{ image_id: 1, category_id: id, bbox: [0, 0, 1, 1], score: 1 }])
  expect([...category]).toEqual([1])
})

const pieces = (value: unknown, size: number) => {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size))
}

test("numbers in quotes are numbers, and a segmentation stands in for a box, in files and in parsed records alike", async () => {
  const rows = [
    { bbox: [10, 20, 20, 30] },
    { bbox: ["10", " 20.0", "2e1", "30"] },
    { segmentation: [[10, 20, 30, 20, 30, 50]] },
    { segmentation: [[10, 20, 30, 50]], bbox: null },
    { bbox: [], segmentation: { size: [60, 40], counts: [620, 30, 1110, 30, 610] } },
  ]
  const odd = {
    images: [{ id: 1, width: 64, height: 64 }],
    categories: [{ id: 1 }],
    annotations: rows.map((row, i) => ({ id: i + 1, image_id: 1, category_id: 1, ...row })),
  }
  const told: string[] = []
  const truths = await readCocoTruths(pieces(odd, 7), "t.json", (line) => told.push(line))
  expect([...truths.boxesXywh]).toEqual(rows.flatMap(() => [10, 20, 20, 30]))
  expect(truthsFromCoco(odd as CocoAnnotationFile)).toEqual(truths)
  const results = rows.map((row) => ({ image_id: 1, category_id: 1, score: "0.5", ...row }))
  const found = await readCocoDetections(truths, pieces(results, 7), "r.json", (line) => told.push(line))
  expect([...found.boxesXywh]).toEqual([...truths.boxesXywh])
  expect(detectionsFromCoco(truths, results as unknown as CocoResultRecord[])).toEqual(found)
  expect(told).toEqual([
    "t.json: 3 annotations have a segmentation and no bbox: the box around it counts",
    "r.json: 3 records have a segmentation and no bbox: the box around it counts",
  ])
})

test("ids of parsed records are those of files: texts and whole numbers of any size", async () => {
  const ids = ["a", "007", 9007199254740993n] as const
  const parsed = {
    images: ids.map((id) => ({ id })),
    categories: ids.map((id) => ({ id, name: `class ${id}` })),
    annotations: ids.map((id, i) => ({ id: i + 1, image_id: id, category_id: id, bbox: [0, 0, 9, 9 + i] })),
  }
  const text = JSON.stringify(parsed, (_, value) => (typeof value === "bigint" ? `${value}n` : value))
  const file = text.replaceAll(/"(9007199254740993)n"/g, "$1")
  const truths = truthsFromCoco(parsed)
  expect(await readCocoTruths([new TextEncoder().encode(file)], "truths")).toEqual(truths)
  const results = ids.map((id) => ({ image_id: id, category_id: id, bbox: [0, 0, 5, 5], score: 0.5 }))
  const { image, category } = detectionsFromCoco(truths, results)
  expect([...image].map((i) => truths.givenImageIds![i])).toEqual(ids)
  expect([...category].map((k) => truths.givenCategoryIds![k])).toEqual(ids)
  const lost = { ...parsed, images: [{ id: 2 ** 53 }] }
  expect(() => truthsFromCoco(lost)).toThrow(
    "images[0]: expected id to be a whole number or a text, got 9007199254740992, which may have lost digits",
  )
})
