import { join } from "node:path"
import { expect, test } from "vitest"
import { readCoco } from "../../datasets/coco.js"
import { readDataset } from "../../datasets/read.js"
import { png, tempFolder, writeFiles } from "./samples.js"

const image = { id: 7, file_name: "a.png", width: 40, height: 30 }
const categories = [
  { id: 9, name: "dog" },
  { id: 3, name: "cat" },
]
const annotation = { id: 1, image_id: 7, category_id: 9, bbox: [1.5, 2, 10, 20], area: 120.5, iscrowd: 0 }

function sample(content: object): string {
  const folder = tempFolder()
  writeFiles(folder, {
    "annotations/instances_train2017.json": JSON.stringify({
      images: [image],
      annotations: [],
      categories,
      ...content,
    }),
    "train2017/a.png": png(40, 30),
  })
  return folder
}

test("boxes, areas, crowds and the original category ids are kept, classes in the order of the ids", () => {
  const { images, classes, categoryIds, faults } = readCoco(
    sample({ annotations: [annotation, { ...annotation, id: 2, category_id: 3, iscrowd: 1 }] }),
  )
  expect(classes).toEqual(["cat", "dog"])
  expect(categoryIds).toEqual([3, 9])
  expect(images[0]).toMatchObject({ id: "a", imageId: 7, width: 40, height: 30 })
  expect([...images[0]!.boxes]).toEqual([1.5, 2, 11.5, 22, 1.5, 2, 11.5, 22])
  expect([...images[0]!.labels]).toEqual([2, 1])
  expect([...images[0]!.crowd]).toEqual([0, 1])
  expect([...images[0]!.areas]).toEqual([120.5, 120.5])
  expect(faults).toEqual([])
})

test("a JSON file by itself and a split by its full name are read alike", () => {
  const folder = sample({ annotations: [annotation] })
  const byFile = readCoco(join(folder, "annotations", "instances_train2017.json"))
  expect(byFile.images).toEqual(readCoco(folder, { split: "train2017" }).images)
  expect(byFile.images.length).toBe(1)
})

test("a class without a name is refused, in every format", async () => {
  const [dog] = categories as [object]
  const unnamed = sample({ annotations: [annotation], categories: [dog, { id: 3, name: " " }] })
  await expect(readDataset(unnamed)).rejects.toThrow(`${unnamed}: expected every class to have a name, got " ", "dog"`)
  writeFiles(unnamed, { "data.yaml": "train: images\nnames: [dog, '']\n", "images/a.png": png(4, 4) })
  await expect(readDataset(join(unnamed, "data.yaml"))).rejects.toThrow('every class to have a name, got "dog", ""')
})

test("given classes decide the labels by name, whatever the ids", () => {
  const { images, categoryIds, faults } = readCoco(
    sample({ annotations: [annotation, { ...annotation, id: 2, category_id: 3 }] }),
    { classes: ["dog", "horse"] },
  )
  expect([...images[0]!.labels]).toEqual([1])
  expect(categoryIds[0]).toBe(9)
  expect(faults).toMatchObject([{ kind: "unknown-class", object: 1 }])
})

test("every kind of dirt is named with its place and left out", () => {
  const { images, faults } = readCoco(
    sample({
      images: [image, image, { id: 8, file_name: "gone.png", width: 4, height: 4 }, { id: 9 }],
      annotations: [
        annotation,
        annotation,
        { ...annotation, id: 3, image_id: 99 },
        { ...annotation, id: 4, category_id: 99 },
        { ...annotation, id: 5, bbox: [1, 1, 0, 5] },
        { ...annotation, id: 6, bbox: [1, 1, 5] },
        { ...annotation, id: 7, bbox: [1, 1, null, 5] },
      ],
    }),
  )
  expect(images[0]!.labels.length).toBe(1)
  expect(faults.map(({ kind, object }) => `${kind} ${object ?? "-"}`).sort()).toEqual([
    "broken-annotation 3",
    "broken-annotation 5",
    "broken-annotation 6",
    "duplicate-id 1",
    "duplicate-id 1",
    "missing-image -",
    "unknown-id 2",
    "unknown-id 3",
    "zero-area-box 4",
  ])
})

test.each(["../b.png", "/b.png", "x/../../b.png"])("the file name %j is refused", (name) => {
  const folder = sample({ images: [{ ...image, file_name: name }] })
  expect(() => readCoco(folder)).toThrow("leaves the data folder")
})

test.each([
  "..\\..\\upload\\4\\a.png",
  "/home/me/photos/a.png",
  "C:\\photos\\a.png",
  "https://example.org/4/a.png?token=1",
  "A.PNG",
  "%61.png",
  "a",
])("the file name %j is the image that ends like it, which is told", (name) => {
  const folder = sample({ images: [{ ...image, file_name: name }] })
  const { images, notices } = readCoco(folder)
  expect(images.map(({ file }) => file.endsWith("a.png"))).toEqual([true])
  expect(notices!.join()).toMatch(/1 names (point to another place|are not written as the files are called)/)
})

test("boxes that are all corners, or parts of the image, are refused by what they look like", () => {
  const annotated = (boxes: readonly (readonly number[])[]) =>
    sample({ annotations: boxes.map((bbox, i) => ({ id: i + 1, image_id: image.id, category_id: 9, bbox })) })
  const corners = [
    [20, 10, 35, 25],
    [5, 5, 30, 20],
    [1, 1, 39, 29],
    [9, 9, 19, 19],
    [30, 20, 40, 30],
  ]
  expect(() => readCoco(annotated(corners))).toThrow("the boxes look like corners x1, y1, x2, y2")
  expect(() => readCoco(annotated(corners.map((box) => box.map((value) => value / 40))))).toThrow("parts of the image")
  expect(readCoco(annotated(corners.slice(0, 4))).images.length).toBe(1)
})

test("the kinds of files that people have in place of JSON are named", () => {
  const folder = tempFolder()
  writeFiles(folder, {
    "a.json": Buffer.from([0x1f, 0x8b, 8, 0]),
    "b.json": Buffer.from('{"images": []}', "utf16le"),
    "c.json": "<!DOCTYPE html><html>404</html>",
    "d.json": "{'images': []}",
    "e.json": "version https://git-lfs.github.com/spec/v1\n",
  })
  const refusals = ["gzip", "UTF-16", "HTML", "Python", "Git LFS"]
  for (const [i, kind] of refusals.entries()) {
    expect(() => readCoco(join(folder, `${"abcde"[i]}.json`)), kind).toThrow(kind)
  }
})

const coco = JSON.stringify({
  images: [{ id: 1, file_name: "a.png", width: 40, height: 30 }],
  annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 9, 9] }],
  categories: [{ id: 1, name: "dog" }],
})

test.each(
  Object.entries({
    "FiftyOne's": { "labels.json": coco, "data/a.png": png(40, 30) },
    "Label Studio's": { "result.json": coco.replace("a.png", "images\\\\a.png"), "images/a.png": png(40, 30) },
    "Supervisely's": { "train/annotations/instances.json": coco, "train/img/a.png": png(40, 30) },
    "CVAT's": { "annotations/instances_default.json": coco, "images/a.png": png(40, 30) },
    "LVIS's, images elsewhere": {
      "annotations/lvis_v1_train.json": coco.replace(
        '"file_name":"a.png"',
        '"coco_url":"http://x.org/train2017/a.png"',
      ),
      "train/a.png": png(40, 30),
    },
    "with a copy in VOC's format inside": {
      "annotations/instances_train.json": coco,
      "train/a.png": png(40, 30),
      "voc/JPEGImages/b.png": png(40, 30),
      "voc/Annotations/b.xml": "<annotation/>",
    },
  }),
)("%s layout is read", async (_, files) => {
  const folder = tempFolder()
  writeFiles(folder, files)
  const { images, faults, format } = await readDataset(folder)
  expect([format, faults]).toEqual(["coco", []])
  expect(images.map(({ boxes }) => [...boxes])).toEqual([[1, 1, 10, 10]])
})

test.each([
  ["[1, 2]", 'expected an object with the lists "images", "annotations" and "categories"'],
  ['{"images": [{"id": 1}', "the file ends"],
  ['{"images": [{"id": }], "annotations": [], "categories": []}', "broken JSON"],
  ['{"images": [], "annotations": []}', 'got no "categories"'],
])("%j is no COCO file", (text, message) => {
  const folder = tempFolder()
  writeFiles(folder, { "a.json": text })
  expect(() => readCoco(join(folder, "a.json"))).toThrow(message)
})
