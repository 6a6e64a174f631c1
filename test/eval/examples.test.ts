import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { evaluate } from "../../src/eval/report.js"

const truths = truthsFromCoco({
  images: [1, 2, 3].map((id) => ({ id, file_name: `${id}.jpg`, width: 200, height: 200 })),
  categories: [
    { id: 1, name: "cat" },
    { id: 2, name: "dog" },
  ],
  annotations: [
    { id: 1, image_id: 1, category_id: 1, bbox: [10, 10, 50, 50], area: 2500, iscrowd: 0 },
    { id: 2, image_id: 1, category_id: 2, bbox: [100, 100, 50, 50], area: 2500, iscrowd: 0 },
    { id: 3, image_id: 2, category_id: 2, bbox: [0, 0, 40, 40], area: 1600, iscrowd: 0 },
    { id: 4, image_id: 2, category_id: 1, bbox: [100, 0, 90, 90], area: 8100, iscrowd: 1 },
    { id: 5, image_id: 3, category_id: 1, bbox: [50, 50, 80, 80], area: 6400, iscrowd: 0 },
  ],
})
const detections = detectionsFromCoco(truths, [
  // Right, found twice, wrong class, far off, nothing there, and one below the threshold.
  { image_id: 1, category_id: 1, bbox: [10, 10, 50, 50], score: 0.9 },
  { image_id: 1, category_id: 1, bbox: [12, 10, 50, 50], score: 0.8 },
  { image_id: 1, category_id: 1, bbox: [100, 100, 50, 50], score: 0.7 },
  { image_id: 2, category_id: 2, bbox: [20, 10, 40, 40], score: 0.95 },
  { image_id: 2, category_id: 2, bbox: [0, 150, 40, 40], score: 0.85 },
  { image_id: 2, category_id: 1, bbox: [0, 150, 40, 40], score: 0.2 },
])

test("examples are the boxes behind the figures, from the threshold on", () => {
  const { examples, errors } = evaluate(truths, detections, { examples: 3, scoreThreshold: 0.5 })
  const told = Object.entries(examples!.errors).map(([type, found]) => [
    type,
    found.map(({ name, box, truth }) => [name, box.kind, box.label, box.score, box.bbox[0], truth?.label, truth?.kind]),
  ])
  expect(Object.fromEntries(told)).toEqual({
    classification: [["1.jpg", "wrong", "cat", 0.7, 100, "dog", "missed"]],
    localization: [["2.jpg", "wrong", "dog", 0.95, 20, "dog", "missed"]],
    both: [],
    duplicate: [["1.jpg", "wrong", "cat", 0.8, 12, "cat", "found"]],
    background: [["2.jpg", "wrong", "dog", 0.85, 0, undefined, undefined]],
    missed: [["3.jpg", "missed", "cat", undefined, 50, undefined, undefined]],
  })
  // One detection of those counted lies below the threshold.
  expect(errors!.count).toEqual({ classification: 1, localization: 1, both: 0, duplicate: 1, background: 2, missed: 1 })
})

test("an image has its truths and its detections, the best on top", () => {
  const { examples } = evaluate(truths, detections, { examples: 3, scoreThreshold: 0.5 })
  const second = examples!.worst.find(({ name }) => name === "2.jpg")!
  expect(second.boxes.map(({ kind, label, score }) => [kind, label, score])).toEqual([
    ["missed", "dog", undefined],
    ["ignored", "cat", undefined],
    ["wrong", "dog", 0.85],
    ["wrong", "dog", 0.95],
  ])
  const first = examples!.worst.find(({ name }) => name === "1.jpg")!
  expect(first.boxes.map(({ kind }) => kind)).toEqual(["found", "missed", "wrong", "wrong", "right"])
})

test("cells of the confusion matrix name their images, the diagonal none", () => {
  const { examples, confusion } = evaluate(truths, detections, { examples: 3, scoreThreshold: 0.5 })
  expect(confusion!.counts).toEqual([
    [1, 0, 1],
    [1, 0, 1],
    [1, 2, 0],
  ])
  expect(examples!.confused).toEqual([
    [[], [], ["3.jpg"]],
    [["1.jpg"], [], ["2.jpg"]],
    [["1.jpg"], ["2.jpg"], []],
  ])
})

test("at most so many, one an image, and none unless asked for", () => {
  const { examples } = evaluate(truths, detections, { examples: 1, scoreThreshold: 0.1 })
  expect(examples!.errors.background.map(({ box }) => box.score)).toEqual([0.85])
  expect(evaluate(truths, detections).examples).toBeUndefined()
})
