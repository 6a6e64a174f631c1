import { expect, test } from "vitest"
import { bestClasses, classificationReport } from "../../src/eval/classification.js"

test("errors, accuracies and the confusion matrix are counted by hand", () => {
  // Six classes: image 0 is right, 1 takes class 2 for 0, 2 has its own class last of six, 3 ties 0 and 1.
  const scores = Float32Array.from(
    [
      [0.9, 0.1, 0, 0, 0, 0],
      [0.3, 0.2, 0.5, 0, 0, 0],
      [0.5, 0.4, 0.3, 0.2, 0.1, 0],
      [0.5, 0.5, 0, 0, 0, 0],
    ].flat(),
  )
  const report = classificationReport(scores, Int32Array.of(0, 0, 5, 1), ["a", "b", "c", "d", "e", "f"])
  expect(report).toMatchObject({ images: 4, top1Error: 0.75, top5Error: 0.25 })
  expect(report.perClass.map(({ name, images, accuracy }) => [name, images, accuracy])).toEqual([
    ["a", 2, 0.5],
    ["b", 1, 0],
    ["c", 0, Number.NaN],
    ["d", 0, Number.NaN],
    ["e", 0, Number.NaN],
    ["f", 1, 0],
  ])
  expect(report.confusion).toEqual([
    [1, 0, 1, 0, 0, 0],
    [1, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, 0],
  ])
})

test("without images every figure is NaN", () => {
  const { images, top1Error, top5Error, perClass } = classificationReport(new Float32Array(0), new Int32Array(0), ["a"])
  expect([images, top1Error, top5Error, perClass[0]!.accuracy]).toEqual([0, Number.NaN, Number.NaN, Number.NaN])
})

test("the best classes come first, of equal scores the lower", () => {
  expect(bestClasses(Float32Array.of(0.1, 0.4, 0.1, 0.4), 3)).toEqual([1, 3, 0])
  expect(bestClasses(Float32Array.of(0.1, 0.4), 5)).toEqual([1, 0])
})
