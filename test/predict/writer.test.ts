import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { UsageError } from "../../src/core/errors.js"
import type { ImageDetections } from "../../src/predict/detection.js"
import type { ImageIds } from "../../src/predict/image-ids.js"
import type { SourceImage } from "../../src/predict/source-image.js"
import { type DetectionFormat, detectionFormats, openWriters, type WriterContext } from "../../src/predict/writer.js"

const places: ImageIds = { from: "places", idOf: (_, index) => index + 1 }

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-writer-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const image = (path: string): SourceImage => ({ file: `/photos/${path}`, path, stem: path.replace(/\.\w+$/, "") })
const dogAndCat: ImageDetections = {
  width: 100,
  height: 50,
  detections: [
    { label: "dog", classId: 2, score: Math.fround(0.98), box: [10, 20, 30.5, 40] },
    { label: "cat", classId: 1, score: 0.25, box: [0, 0, 1, 1] },
  ],
}
const nothing: ImageDetections = { width: 8, height: 6, detections: [] }

function writeAll(format: DetectionFormat, overrides: Partial<WriterContext> = {}) {
  const context = { folder, classes: ["cat", "dog"], categoryIds: [17, 18], imageIds: places, ...overrides }
  const writer = openWriters([format], context)
  writer.write(image("sub/7.jpg"), dogAndCat)
  writer.write(image("8.jpg"), nothing)
  return writer
}

const read = (name: string) => readFileSync(join(folder, name), "utf8")

test("coco is an array of x, y, width, height under the data set's own class ids, with a table of the images", () => {
  writeAll("coco").finish()
  expect(JSON.parse(read("coco_results.json"))).toEqual([
    { image_id: 1, category_id: 18, bbox: [10, 20, 20.5, 20], score: 0.98 },
    { image_id: 1, category_id: 17, bbox: [0, 0, 1, 1], score: 0.25 },
  ])
  expect(JSON.parse(read("coco_images.json"))).toEqual({
    categories: [
      { id: 17, name: "cat" },
      { id: 18, name: "dog" },
    ],
    images: [
      { id: 1, file_name: "sub/7.jpg", width: 100, height: 50 },
      { id: 2, file_name: "8.jpg", width: 8, height: 6 },
    ],
  })
})

test("coco has the ids of a ground truth as they are, and leaves out images that it lacks", () => {
  const idOf: ImageIds["idOf"] = ({ path }) => (path === "8.jpg" ? undefined : 9007199254740993n)
  writeAll("coco", { imageIds: { from: "ground truth", idOf } }).finish()
  expect(read("coco_results.json")).toContain('{"image_id":9007199254740993,')
  expect(JSON.parse(read("coco_images.json")).images).toHaveLength(1)
})

test("coco without any detection is an empty array", () => {
  openWriters(["coco"], { folder, classes: ["a"], categoryIds: [1], imageIds: places }).finish()
  expect(JSON.parse(read("coco_results.json"))).toEqual([])
})

test("voc is a file a class, pixels counted from 1 with the last one inside", () => {
  writeAll("voc", { classes: ["cat", "dog", "a/b"] }).finish()
  expect(readdirSync(join(folder, "voc")).sort()).toEqual([
    "comp4_det_test_a_b.txt",
    "comp4_det_test_cat.txt",
    "comp4_det_test_dog.txt",
  ])
  expect(read("voc/comp4_det_test_cat.txt")).toBe("sub/7 0.25 1 1 1 1\n")
  expect(read("voc/comp4_det_test_dog.txt")).toBe("sub/7 0.98 11 21 30.5 40\n")
  expect(read("voc/comp4_det_test_a_b.txt")).toBe("")
})

test("voc keeps a name with blanks in one piece", () => {
  const writer = openWriters(["voc"], { folder, classes: ["cat", "dog"], categoryIds: [1, 2], imageIds: places })
  writer.write(image("my dog.jpg"), dogAndCat)
  writer.finish()
  expect(read("voc/comp4_det_test_cat.txt")).toBe("my%20dog 0.25 1 1 1 1\n")
})

test("yolo is a file an image, classes from 0, centre and size in parts of the image", () => {
  writeAll("yolo").finish()
  expect(read("labels/sub/7.txt")).toBe("1 0.2025 0.6 0.205 0.4 0.98\n0 0.005 0.01 0.01 0.02 0.25\n")
  expect(read("labels/8.txt")).toBe("")
})

test("csv is a line a detection, and quotes what holds a comma or a quote", () => {
  const writer = openWriters(["csv"], { folder, classes: [], categoryIds: [], imageIds: places })
  writer.write(image("a,b.jpg"), {
    ...nothing,
    detections: [{ label: 'the "x"', classId: 1, score: 0.5, box: [1, 2, 3, 4] }],
  })
  writer.finish()
  expect(read("detections.csv")).toBe(
    'image,width,height,label,class_id,score,x1,y1,x2,y2\n"a,b.jpg",8,6,"the ""x""",1,0.5,1,2,3,4\n',
  )
})

test("no file is in its place before the end", () => {
  const writer = writeAll("csv")
  expect(existsSync(join(folder, "detections.csv"))).toBe(false)
  writer.finish()
  expect(readdirSync(folder)).toEqual(["detections.csv"])
})

test.each(["coco", "voc", "csv"] as const)("a discarded %s writer leaves no file", (format) => {
  writeAll(format).discard()
  expect(readdirSync(folder, { recursive: true }).filter((name) => String(name).includes("."))).toEqual([])
})

test("a format named twice is written once", () => {
  const writer = openWriters(detectionFormats(["csv", "csv", "jsonl"]), {
    folder,
    classes: [],
    categoryIds: [],
    imageIds: places,
  })
  writer.write(image("a.jpg"), dogAndCat)
  writer.finish()
  expect(read("detections.csv").trimEnd().split("\n")).toHaveLength(3)
})

test("more text than the buffer holds arrives whole and in order", () => {
  const writer = openWriters(["csv"], { folder, classes: [], categoryIds: [], imageIds: places })
  for (let i = 0; i < 5000; i++) writer.write(image(`${i}.jpg`), dogAndCat)
  writer.finish()
  const images = read("detections.csv")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",")[0])
  expect(images).toEqual(Array.from({ length: 10_000 }, (_, i) => `${i >> 1}.jpg`))
})

test("an unknown format names the nearest one", () => {
  expect(() => detectionFormats(["cocoo"])).toThrow(
    new UsageError('unknown format "cocoo". Did you mean "coco"? Known: coco, voc, yolo, csv, imagenet-det, jsonl'),
  )
})
