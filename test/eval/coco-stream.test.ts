import { createReadStream } from "node:fs"
import { readFile } from "node:fs/promises"
import { expect, test } from "vitest"
import { evaluateCoco } from "../../src/eval/coco.js"
import { type CocoAnnotationFile, detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { readCocoDetections, readCocoTruths } from "../../src/eval/coco-stream.js"
import { readBytes } from "../../src/json/read-bytes.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"
import { truthFile } from "./support/cases.js"

const encode = (value: unknown) => {
  const bytes = new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value))
  return Array.from({ length: Math.ceil(bytes.length / 11) }, (_, i) => bytes.slice(i * 11, (i + 1) * 11))
}
const file: CocoAnnotationFile = {
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
  ['"bbox":[1,2,"3",4]', 'record 1 (byte 110): expected bbox to be four numbers, got [1,2,"3",4]'],
  ['"box":[1,2,3,4]', 'record 1 (byte 61): expected a field "bbox", got none'],
  ['"bbox":[1,2,3,4],"score":NaN', "record 1: expected a finite score, got NaN"],
  ['"bbox":[1,2,3,4],"score":"high"', 'record 1 (byte 128): expected score to be a number, got "high"'],
  ['"bbox":[1,2,3,4],"image_id":[1]', "record 1 (byte 131): expected image_id to be a whole number or a text, got [1]"],
  ['"bbox":[1,2,3,4],"image_id":1.5', "record 1 (byte 131): expected image_id to be a whole number or a text, got 1.5"],
  [
    '"bbox":[1,2,3,4],"image_id":7',
    "record 1: image_id 7 is not among the 2 images of the ground truth (1 of 2 records",
  ],
])("a wrong record is named: %s", async (part, message) => {
  const truths = truthsFromCoco(file)
  const text = `[${right},{"image_id":1,"category_id":1,"score":0.5,${part}}]`
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
  [{ bbox: null }, "expected bbox to be four numbers, got null"],
])("a wrong truth is named: %j", async (change, message) => {
  const wrong = { ...file, annotations: file.annotations.map((a, i) => (i === 1 ? { ...a, ...change } : a)) }
  await expect(readCocoTruths(encode(wrong), "truths.json")).rejects.toThrow(message)
  expect(() => truthsFromCoco(wrong as CocoAnnotationFile, "truths.json")).toThrow(message)
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
