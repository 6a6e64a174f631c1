import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { detectionsFromVoc, formatVocResults } from "../../src/eval/voc-files.js"
import { detectionsFromYolo } from "../../src/eval/yolo-files.js"
import { result, truthFile } from "./support/cases.js"

const file = truthFile([{ box: [0, 0, 10, 10] }], 2, 2)
const truths = truthsFromCoco({
  ...file,
  images: file.images.map((image, i) => ({ ...image, file_name: ["2009_000026.jpg", "2009_000027.jpg"][i]! })),
  categories: [
    { id: 1, name: "dog" },
    { id: 2, name: "hot_dog" },
  ],
})

test("a box at the top left pixel is written 1-based with its last pixel", () => {
  const files = formatVocResults(truths, detectionsFromCoco(truths, [result([171, 232, 20, 16], 0.949297)]), "test")
  expect(files).toEqual([
    {
      name: "comp4_det_test_dog.txt",
      text: "2009_000026.jpg 0.949297 172.000000 233.000000 191.000000 248.000000\n",
    },
    { name: "comp4_det_test_hot_dog.txt", text: "" },
  ])
  expect(formatVocResults(truths, detectionsFromCoco(truths, []), "val", "comp3")[0]!.name).toBe(
    "comp3_det_val_dog.txt",
  )
})

test("what was written is read back, numbers and all", () => {
  const detections = detectionsFromCoco(truths, [
    result([0.1, 0.2, 30.7, 40.9], 1 / 3, 2, 2),
    result([1, 2, 3, 4], 1e-9, 1, 1),
  ])
  const files = formatVocResults(truths, detections, "test")
  const again = detectionsFromVoc(truths, files)
  expect([...again.scores].sort()).toEqual([...detections.scores].sort())
  expect(formatVocResults(truths, again, "test")).toEqual(files)
  expect([...again.category]).toEqual([0, 1])
})

test("the class with the longest name that fits is meant; an unknown class is kept apart", () => {
  const line = "2009_000026 0.5 1 1 2 2\n"
  const read = detectionsFromVoc(truths, [
    { name: "comp3_det_val_hot_dog.txt", text: line },
    { name: "comp4_det_test_cat.txt", text: line },
  ])
  expect([...read.category]).toEqual([1, -1])
  expect(read.unknownCategories).toEqual(["cat"])
})

test.each([
  ["2009_000026 0.5 1 1 2", 'comp4_det_test_dog.txt: line 2: expected "<image> <score>'],
  ["2009_000026 x 1 1 2 2", "line 2: expected"],
  ["2009_000026 0.5 9 1 2 2", "line 2: expected right >= left"],
  [
    "2009_000028 0.5 1 1 2 2",
    'line 2: image "2009_000028" is not among the 2 images of the ground truth. Did you mean',
  ],
])("a broken line is named: %s", (line, message) => {
  const text = `2009_000026 0.5 1 1 2 2\n${line}\n`
  expect(() => detectionsFromVoc(truths, [{ name: "comp4_det_test_dog.txt", text }])).toThrow(message)
})

test("YOLO's centres and shares become pixels", () => {
  const read = detectionsFromYolo(truths, [{ name: "2009_000027.txt", text: "1 0.5 0.5 0.25 0.5 0.75\n\n" }])
  expect([...read.boxesXywh]).toEqual([240, 120, 160, 240])
  expect([[...read.image], [...read.category], [...read.scores]]).toEqual([[1], [1], [0.75]])
})

test.each([
  ["0 0.5 0.5 0.1 0.1", "a.txt: line 1: expected"],
  ["0 0.5 0.5 0.1 0.1", "scores are missing"],
  ["-1 0.5 0.5 0.1 0.1 0.9", 'expected "<class>'],
  ["0 0x0 0.5 0.1 0.1 0.9", 'expected "<class>'],
  ["0.5 0.5 0.5 0.1 0.1 1", "expected"],
  ["0 0.5 0.5 -0.1 0.1 1", "expected width and height of 0 or more"],
])("a broken YOLO line is named: %s", (text, message) => {
  const named = { ...truths, imageNames: ["a.jpg", "b.jpg"] }
  expect(() => detectionsFromYolo(named, [{ name: "a.txt", text }])).toThrow(message)
})

test("YOLO needs the size of the image", () => {
  const unsized = { ...truths, widths: new Float64Array(2) }
  const files = [{ name: "2009_000027.txt", text: "1 0.5 0.5 0.25 0.5 0.75" }]
  expect(() => detectionsFromYolo(unsized, files)).toThrow('the size of image "2009_000027.jpg"')
})
