import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { evaluate } from "../../src/eval/report.js"
import { detectionsFromVoc } from "../../src/eval/voc-files.js"
import { type PlainFile, type PlainResult, result, truthFile, type Xywh } from "./support/cases.js"

/** Ten images with one object each, of classes 3, 6, 9, 12 in turn: small, medium and large ones. */
const ids = [3, 6, 9, 12]
const base = truthFile(
  Array.from({ length: 10 }, (_, i) => {
    const size = [20, 60, 120][i % 3]!
    return { box: [30 + 20 * i, 200 - 10 * i, size, size + 3] as Xywh, image: i + 1, category: ids[i % 4]! }
  }),
  10,
)
const file: PlainFile = { ...base, categories: ids.map((id) => ({ id, name: `Class ${id}` })) }
const right = file.annotations.map((a, i) => result(a.bbox as Xywh, 0.9 - i / 100, a.image_id, a.category_id))
const withBoxes = (read: (box: Xywh) => Xywh) => right.map((one) => ({ ...one, bbox: read(one.bbox as Xywh) }))

function diagnosis(results: readonly PlainResult[], truthsFile = file) {
  const truths = truthsFromCoco(truthsFile)
  return evaluate(truths, detectionsFromCoco(truths, results)).diagnosis
}

test("nothing is said where all is well", () => {
  expect(diagnosis(right)).toEqual([])
})

test.each([
  [
    "as positions from 0",
    (id: number) => ids.indexOf(id),
    "positions in the list of categories, from 0 (0 = 3, ... 3 = 12)",
  ],
  [
    "as positions from 1",
    (id: number) => ids.indexOf(id) + 1,
    "positions in the list of categories, from 1 (1 = 3, ... 4 = 12)",
  ],
  ["one too low", (id: number) => id - 1, "the ids plus 1"],
  ["one too high", (id: number) => id + 1, "the ids minus 1"],
])("category ids given %s: the mapping that would work is named", (_, wrong, mapping) => {
  const [first] = diagnosis(right.map((one) => ({ ...one, category_id: wrong(one.category_id) })))
  expect(first!.kind).toBe("unknown-categories")
  expect(first!.message).toContain("detections have a category that the ground truth lacks")
  expect(first!.message).toContain(mapping)
  expect(first!.message).toContain("right for 100 % of the 10 detections that lie on a ground-truth box")
})

test("what others called a category is shown, and cut", () => {
  const name = `\x1b[2J${"x".repeat(50_000)}` as unknown as number
  const [first] = diagnosis(right.map((one, i) => (i === 0 ? { ...one, category_id: name } : one)))
  expect(first).toMatchObject({ kind: "unknown-categories", message: expect.stringContaining("\\x1b[2Jxxx") })
  expect(first!.message.length).toBeLessThan(2100)
})

/** Five classes with ids from 1, of which the objects have those from 2. */
const dense: PlainFile = {
  ...file,
  categories: [1, 2, 3, 4, 5].map((id) => ({ id, name: `class ${id}` })),
  annotations: file.annotations.map((a, i) => ({ ...a, category_id: 2 + (i % 4) })),
}
const oneLower = right.map((one, i) => ({ ...one, category_id: 1 + (i % 4) }))

test("ids that exist but mean other classes are noticed by what they lie on", () => {
  const found = diagnosis(oneLower, dense)
  expect(found[0]).toMatchObject({ kind: "shifted-categories" })
  expect(found[0]!.message).toContain("as given: 0 %")
})

test("classes that were read by name mean no others, and unknown ones are told with the names that there are", () => {
  const truths = truthsFromCoco(dense)
  const called = (word: string) =>
    oneLower.map((one) => ({ ...one, category_id: `${word} ${one.category_id}` as unknown as number }))
  expect(diagnosis(called("class"), dense)).toEqual([])
  const lines = [{ name: "comp4_det_val_other.txt", text: "image 1 0.9 31 201 50 223\n" }]
  const unknown = evaluate(truths, detectionsFromVoc(truths, lines)).diagnosis.map(({ message }) => message)
  expect(unknown.join("\n")).toContain("lacks: other (it has class 1, class 2, class 3, class 4, class 5)")
})

test("without a rule that fits, an unknown class is told by what it lies on", () => {
  const [first] = diagnosis(right.map((one) => (one.category_id === 6 ? { ...one, category_id: 777 } : one)))
  expect(first!.message).toContain('777 mostly lies on "Class 6" (6)')
})

test("boxes written as corners, as centres or with x and y swapped are recognised", () => {
  const [corners] = diagnosis(withBoxes(([x, y, w, h]) => [x, y, x + w, y + h]))
  expect(corners).toMatchObject({ kind: "box-form" })
  expect(corners!.message).toContain("look like corners x1, y1, x2, y2")
  expect(corners!.message).toContain("100 % of the ground truth")
  expect(corners!.message).toContain("Write x1, y1, x2 - x1, y2 - y1.")
  const [centres] = diagnosis(withBoxes(([x, y, w, h]) => [x + w / 2, y + h / 2, w, h]))
  expect(centres!.message).toContain("look like centre x, centre y, width, height")
  const [swapped] = diagnosis(withBoxes(([x, y, w, h]) => [y, x, h, w]))
  expect(swapped!.message).toContain("look like y, x, height, width")
})

test("boxes as shares of the image are recognised, with and without the images' sizes", () => {
  const shares = withBoxes(([x, y, w, h]) => [x / 640, y / 480, w / 640, h / 480])
  const [first] = diagnosis(shares)
  expect(first).toMatchObject({ kind: "normalised-boxes" })
  expect(first!.message).toContain(
    "shares of the image's size (read as x, y, width, height they find 100 % of the ground truth)",
  )
  const unsized = { ...file, images: file.images.map(({ id }) => ({ id })) }
  expect(diagnosis(shares, unsized)[0]!.message).toBe(
    "All boxes lie between 0 and 1: they look like shares of the image's size. Write x, y, width, height in pixels.",
  )
})

test("equal scores are noticed", () => {
  const [first] = diagnosis(right.map((one) => ({ ...one, score: 1 })))
  expect(first).toMatchObject({ kind: "equal-scores" })
  expect(first!.message).toContain("All 10 scores are 1")
})

test("truths and detections in different images are noticed", () => {
  const twice = { ...file, images: [...file.images, { id: 99 }] }
  const [first] = diagnosis([result([1, 2, 3, 4], 0.5, 99, 3), result([1, 2, 3, 4], 0.6, 99, 3)], twice)
  expect(first).toMatchObject({ kind: "no-shared-images" })
  expect(first!.message).toContain("ground truth is in 10 images, detections in 1 others")
})

test("images that nobody looked at are told from images in which little was found", () => {
  const many = (images: number) => {
    const boxes = Array.from({ length: 10 }, (_, i) => [i, i, 30, 30] as const)
    return Array.from({ length: images }, (_, i) => boxes.map((box) => result([...box], 0.1, i + 1, 3))).flat()
  }
  const kinds = (found: ReturnType<typeof many>) => diagnosis(found).map(({ kind }) => kind)
  expect(kinds(many(9))).toContain("images-without-detections")
  expect(diagnosis(many(6))[0]!.message).toBe(
    "4 of 10 images with objects have no detection at all, where others have 10 on average: were they looked at? --image-ids scores " +
      "a part of the images.",
  )
  for (const plain of [many(10), right.slice(0, 5)]) expect(kinds(plain)).not.toContain("images-without-detections")
})

test("a truth with id 0 is named, and pycocotools' figure is to be had", () => {
  const zero = { ...file, annotations: file.annotations.map((one) => ({ ...one, id: one.id! - 1 })) }
  expect(diagnosis(right, zero)).toMatchObject([{ kind: "truth-id-zero" }])
  const truths = truthsFromCoco(zero)
  const found = detectionsFromCoco(truths, right)
  expect(evaluate(truths, found).coco.AR100).toBe(1)
  expect(evaluate(truths, found, { truthIdZero: "pycocotools" }).coco.AR100).toBeLessThan(1)
})

test("sizes without objects, no truths and no detections are named", () => {
  const small = { ...file, annotations: file.annotations.slice(0, 1) }
  expect(diagnosis(right.slice(0, 1), small).map(({ message }) => message)).toEqual([
    "APm is n/a: the ground truth has no medium objects (from 32 x 32 to 96 x 96 pixels).",
    "APl is n/a: the ground truth has no large objects (above 96 x 96 pixels).",
  ])
  expect(diagnosis(right, { ...file, annotations: [] })).toMatchObject([{ kind: "no-truths" }])
  expect(diagnosis([])).toMatchObject([
    { kind: "no-detections", message: "There are no detections: all 10 ground-truth boxes are missed." },
  ])
})

test.each([
  [(id: number) => id + 1, "Every such id fits when 1 is taken off", [1]],
  [(id: number) => 5000 + id, "The ids are the numbers in the images' file names: image_id 5010 would be id 10", [10]],
  [(id: number) => 77_000 + id, "Are ground truth and predictions of the same split?", [1]],
])("image ids that the truths lack are refused with what they may mean", (wrong, message, images) => {
  const named = { ...file, images: file.images.map((one) => ({ ...one, file_name: `COCO_${5000 + one.id}.jpg` })) }
  const results = right
    .filter((one) => one.image_id >= images[0]!)
    .map((one) => ({ ...one, image_id: wrong(one.image_id) }))
  const truths = truthsFromCoco({ ...named, images: named.images.map((one) => ({ ...one, id: one.id * 1 })) })
  expect(() => detectionsFromCoco(truths, results)).toThrow(message)
})

test("image ids that are positions in the list are recognised", () => {
  const far = {
    ...file,
    images: file.images.map((one) => ({ id: one.id * 100 })),
    annotations: file.annotations.map((one) => ({ ...one, image_id: one.image_id * 100 })),
  }
  const truths = truthsFromCoco(far)
  expect(() => detectionsFromCoco(truths, right)).toThrow("positions in the list of images, from 1: 1 would be id 100")
  const fromZero = right.map((one) => ({ ...one, image_id: one.image_id - 1 }))
  expect(() => detectionsFromCoco(truths, fromZero)).toThrow("from 0: 0 would be id 100")
})
