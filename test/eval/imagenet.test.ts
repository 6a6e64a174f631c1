import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { localizationError, topKError } from "../../src/eval/imagenet.js"
import { evaluateImagenetDet } from "../../src/eval/imagenet-det.js"
import { result, truthFile, type Xywh } from "./support/cases.js"

test("top-k error counts the images whose class is not among the k best", () => {
  const scores = [0.1, 0.6, 0.3, 0.5, 0.2, 0.3]
  expect(topKError(scores, [1, 1], 3, 1)).toBe(0.5)
  expect(topKError(scores, [1, 1], 3, 2)).toBe(0.5)
  expect(topKError(scores, [1, 1], 3, 3)).toBe(0)
  expect(topKError([], [], 3, 1)).toBeNaN()
})

test("of equal scores the lower class comes first, and NaN is never right", () => {
  expect(topKError([1, 1], [0], 2, 1)).toBe(0)
  expect(topKError([1, 1], [1], 2, 1)).toBe(1)
  expect(topKError([Number.NaN, Number.NaN], [0], 2, 1)).toBe(1)
  expect(() => topKError([1, 2, 3], [0], 2, 1)).toThrow("expected 1 * 2 scores, got 3")
})

const truth = { label: 7, box: [1, 1, 10, 10] }

test("one guess of five with the right class and half the box is enough", () => {
  const half = { label: 7, box: [1, 1, 10, 5] }
  const wrong = { label: 3, box: [1, 1, 10, 10] }
  const off = { label: 7, box: [1, 1, 10, 4] }
  const error = (guesses: { label: number; box: number[] }[]) => localizationError([{ guesses, truths: [truth] }])
  expect(error([wrong, wrong, wrong, wrong, half])).toEqual({ localization: 0, classification: 0, images: 1 })
  expect(error([wrong, wrong, wrong, wrong, wrong, half])).toEqual({ localization: 1, classification: 1, images: 1 })
  expect(error([off])).toEqual({ localization: 1, classification: 0, images: 1 })
  expect(error([])).toEqual({ localization: 1, classification: 1, images: 1 })
})

test("blacklisted images leave numerator and denominator", () => {
  const missed = { guesses: [], truths: [truth] }
  const found = { guesses: [truth], truths: [truth] }
  expect(localizationError([found, { ...missed, blacklisted: true }])).toMatchObject({ localization: 0, images: 1 })
  expect(localizationError([found, missed])).toMatchObject({ localization: 0.5, images: 2 })
})

function det(truths: readonly Xywh[], found: readonly (readonly [Xywh, number])[], blacklist: [number, number][] = []) {
  const table = truthsFromCoco(truthFile(truths.map((box) => ({ box }))))
  const results = found.map(([box, score]) => result(box, score))
  return evaluateImagenetDet(table, detectionsFromCoco(table, results), { blacklist })
}

test("the threshold of a 10 x 10 object is a quarter, of a large one a half", () => {
  expect(det([[0, 0, 10, 10]], [[[0, 0, 5, 5], 0.9]]).mAP).toBe(1)
  expect(det([[0, 0, 10, 10]], [[[0, 0, 5, 4.9], 0.9]]).mAP).toBe(0)
  expect(det([[0, 0, 200, 200]], [[[0, 0, 200, 100], 0.9]]).mAP).toBe(1)
  expect(det([[0, 0, 200, 200]], [[[0, 0, 200, 99], 0.9]]).mAP).toBe(0)
})

test("a taken truth is passed over for the next best, unlike VOC", () => {
  const truths: Xywh[] = [
    [0, 0, 100, 100],
    [20, 0, 100, 100],
  ]
  const found: [Xywh, number][] = [
    [[0, 0, 100, 100], 0.9],
    [[5, 0, 100, 100], 0.8],
  ]
  expect(det(truths, found).mAP).toBe(1)
})

test("a second detection of a truth without another one near is wrong", () => {
  const truths: Xywh[] = [
    [0, 0, 100, 100],
    [300, 0, 100, 100],
  ]
  const found: [Xywh, number][] = [
    [[0, 0, 100, 100], 0.9],
    [[0, 0, 100, 100], 0.8],
    [[300, 0, 100, 100], 0.7],
  ]
  expect(det(truths, found).mAP).toBeCloseTo(0.5 + 0.5 * (2 / 3), 12)
})

test("a detection in a blacklisted pair is not wrong", () => {
  const truths = truthsFromCoco(truthFile([{ box: [0, 0, 50, 50] }, { box: [0, 0, 50, 50], image: 2 }], 2))
  const found = detectionsFromCoco(truths, [result([300, 0, 9, 9], 0.9, 2), result([0, 0, 50, 50], 0.8)])
  expect(evaluateImagenetDet(truths, found).mAP).toBe(0.25)
  expect(evaluateImagenetDet(truths, found, { blacklist: [[2, 1]] })).toMatchObject({
    mAP: 1,
    perClass: [{ truths: 1 }],
  })
})

test("blacklisted pairs of image and class are not judged", () => {
  expect(det([[0, 0, 10, 10]], [[[50, 50, 5, 5], 0.9]], [[1, 1]]).perClass[0]).toMatchObject({
    truths: 0,
    AP: Number.NaN,
  })
})
