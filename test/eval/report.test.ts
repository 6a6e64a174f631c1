import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { confusionMatrix } from "../../src/eval/confusion.js"
import { evaluate, evaluateDetections } from "../../src/eval/report.js"
import { result, truthFile, type Xywh } from "./support/cases.js"

const at: Xywh = [0, 0, 100, 100]
const right: Xywh = [300, 0, 100, 100]

test("the best threshold is the one with the highest F1, ties taken together", () => {
  const truths = truthsFromCoco(truthFile([{ box: at }, { box: right }]))
  const results = [result(at, 0.9), result(right, 0.6), result([0, 300, 9, 9], 0.6), result([9, 400, 9, 9], 0.1)]
  const report = evaluate(truths, detectionsFromCoco(truths, results))
  // From 0.6 on: 2 right, 1 wrong, none missed: F1 0.8; from 0.9 on: 1 right, 1 missed: 2/3.
  expect(report.bestThreshold).toEqual({ score: 0.6, precision: 2 / 3, recall: 1, f1: 0.8 })
  expect(report.perClass[0]!.bestThreshold).toEqual(report.bestThreshold)
})

test("a detection on a crowd is neither right nor wrong for the best threshold", () => {
  const truths = truthsFromCoco(truthFile([{ box: at }, { box: right, crowd: true }]))
  const report = evaluate(truths, detectionsFromCoco(truths, [result(right, 0.9), result(at, 0.5)]))
  expect(report.bestThreshold).toEqual({ score: 0.5, precision: 1, recall: 1, f1: 1 })
})

test("nothing right means no best threshold", () => {
  const truths = truthsFromCoco(truthFile([{ box: at }], 1, 2))
  const report = evaluate(truths, detectionsFromCoco(truths, [result(right, 0.5)]))
  expect(report.bestThreshold).toBeUndefined()
  expect(report.perClass[1]).toMatchObject({ truths: 0, AP: Number.NaN, curve: { recall: [], precision: [] } })
})

test("the confusion matrix counts right, confused, missed and invented objects from its threshold on", () => {
  const truths = truthsFromCoco(
    truthFile(
      [{ box: at }, { box: right, category: 2 }, { box: [0, 300, 50, 50] }, { box: [300, 300, 100, 100], crowd: true }],
      1,
      2,
    ),
  )
  const results = [
    result(at, 0.9),
    result(right, 0.8),
    result([500, 0, 20, 20], 0.7, 1, 2),
    result([310, 310, 20, 20], 0.7),
    result([0, 300, 50, 50], 0.1),
  ]
  const matrix = confusionMatrix(truths, detectionsFromCoco(truths, results), 0.5)
  expect(matrix).toEqual({
    scoreThreshold: 0.5,
    iouThreshold: 0.5,
    names: ["class 1", "class 2", "background"],
    counts: [
      [1, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
    ],
  })
})

test("a detection with half of itself on a crowd is not invented, with less it is", () => {
  const truths = truthsFromCoco(truthFile([{ box: [0, 0, 100, 100], crowd: true }]))
  const invented = (inside: number) => {
    const found = detectionsFromCoco(truths, [result([100 - inside, 0, 100, 10], 0.9)])
    return confusionMatrix(truths, found, 0.5).counts[1]![0]
  }
  expect([49, 50, 51].map(invented)).toEqual([1, 0, 0])
})

test("of two detections on a truth the closer one is paired, of equals the one of its class", () => {
  const truths = truthsFromCoco(truthFile([{ box: at }], 1, 2))
  const pair = (a: Xywh, b: Xywh) =>
    confusionMatrix(truths, detectionsFromCoco(truths, [result(a, 0.9, 1, 2), result(b, 0.5, 1, 1)]), 0).counts[0]
  expect(pair(at, at)).toEqual([1, 0, 0])
  expect(pair(at, [0, 0, 100, 90])).toEqual([0, 1, 0])
})

test("images are ranked by F1, and those without anything are left out", () => {
  const truths = truthsFromCoco(truthFile([{ box: at }, { box: at, image: 2 }, { box: right, image: 2 }], 4))
  const results = [result(at, 0.9), result(at, 0.8, 2), result(at, 0.7, 3)]
  const { bestImages, worstImages } = evaluate(truths, detectionsFromCoco(truths, results), { scoreThreshold: 0.5 })
  expect(bestImages!.map(({ imageId }) => imageId)).toEqual([1, 2, 3])
  expect(worstImages!.map(({ imageId }) => imageId)).toEqual([3, 2, 1])
  expect(bestImages![1]).toEqual({ imageId: 2, name: "image 2", right: 1, wrong: 0, missed: 1, f1: 2 / 3 })
})

test("a class's figures are those of an evaluation of that class alone", () => {
  const file = truthFile([{ box: at }, { box: right, category: 2 }, { box: at, image: 2, category: 2 }], 2, 2)
  const results = [result(at, 0.9), result([0, 0, 100, 80], 0.8, 2, 2), result(right, 0.4, 2, 2)]
  const truths = truthsFromCoco(file)
  const report = evaluate(truths, detectionsFromCoco(truths, results))
  const alone = truthsFromCoco({
    ...file,
    categories: file.categories.slice(1),
    annotations: file.annotations.slice(1),
  })
  const { coco } = evaluate(alone, detectionsFromCoco(alone, results.slice(1)))
  const { AP, AP50, AP75, APs, APl, AR } = report.perClass[1]!
  expect([AP, AP50, AP75, APs, APl, AR]).toEqual([coco.AP, coco.AP50, coco.AP75, coco.APs, coco.APl, coco.AR100])
  expect(report.perClass[1]).toMatchObject({ name: "class 2", truths: 2, detections: 2, ignored: 0 })
  expect(report.perClass[1]!.curve.recall).toHaveLength(101)
  expect(report.perClass[1]!.curve.precision[50]).toBeCloseTo(1, 12)
  expect(report.perClass[1]!.curve.scores[50]).toBe(0.8)
})

const dataset = {
  classes: ["cat", "dog"],
  categoryIds: [18, 17],
  images: [
    {
      id: "b",
      imageId: 2,
      width: 640,
      height: 480,
      boxes: Float64Array.of(0, 0, 100, 100, 300, 0, 400, 100),
      labels: Int32Array.of(1, 2),
      crowd: new Uint8Array(2),
      difficult: Uint8Array.of(0, 1),
      areas: Float64Array.of(10_000, 10_000),
    },
    {
      id: "a",
      imageId: 1,
      width: 640,
      height: 480,
      boxes: new Float64Array(0),
      labels: new Int32Array(0),
      crowd: new Uint8Array(0),
      difficult: new Uint8Array(0),
      areas: new Float64Array(0),
    },
  ],
}
const none = { boxes: new Float32Array(0), scores: new Float32Array(0), labels: new Int32Array(0) }
const found = {
  boxes: Float32Array.of(0, 0, 100, 100, 300, 0, 400, 100),
  scores: Float32Array.of(0.9, 0.8),
  labels: Int32Array.of(1, 2),
}

test("a running detector is scored in memory; difficult objects count neither way", () => {
  const report = evaluateDetections(dataset, [found, none])
  expect(report).toMatchObject({ images: 2, truths: 2, ignored: 1, detections: 2 })
  expect(report.coco.AP).toBeCloseTo(1, 12)
  expect(report.voc[0]).toMatchObject({ voc07: expect.closeTo(1, 12), voc12: 1 })
  expect(report.perClass.map(({ name, AP }) => [name, Number.isNaN(AP)])).toEqual([
    ["dog", true],
    ["cat", false],
  ])
  expect(() => evaluateDetections(dataset, [found])).toThrow("expected detections of 2 images, got 1")
})

test("without details only the figures are made", () => {
  const report = evaluateDetections(dataset, [found, none], { details: false, metrics: ["coco"] })
  expect([report.errors, report.confusion, report.bestImages, report.voc]).toEqual([
    undefined,
    undefined,
    undefined,
    [],
  ])
  expect(() => evaluateDetections(dataset, [found, none], { detail: false } as never)).toThrow(
    'Did you mean "details"?',
  )
})

test("a label that no class has is named by the diagnosis, and a broken score refused", () => {
  const odd = { ...found, labels: Int32Array.of(1, 3) }
  expect(evaluateDetections(dataset, [odd, none]).diagnosis[0]!.message).toContain("label 3")
  const broken = { ...found, scores: Float32Array.of(0.9, Number.NaN) }
  expect(() => evaluateDetections(dataset, [broken, none])).toThrow("detections: record 1: expected a finite score")
})
