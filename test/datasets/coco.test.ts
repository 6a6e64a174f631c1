import { join } from "node:path"
import { expect, test } from "vitest"
import { readCoco } from "../../datasets/coco.js"
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

test.each(["../a.png", "/a.png", "x/../../a.png"])("the file name %j is refused", (name) => {
  const folder = sample({ images: [{ ...image, file_name: name }] })
  expect(() => readCoco(folder)).toThrow("leaves the data folder")
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
