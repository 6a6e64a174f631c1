import { expect, test } from "vitest"
import { localizationFigures } from "../../src/localize/figures.js"
import { record } from "./made-up-images.js"

const found = (label: number, ...box: number[]) => ({ label, score: 0.5, box: Float32Array.from(box) })
const size = { height: 100, width: 100 }
const images = [
  record("a", 100, 100, [10, 10, 50, 50], [1]),
  record("b", 100, 100, [0, 0, 100, 100, 0, 0, 20, 20], [2, 3]),
]

test("an overlap of exactly a half is right, less is wrong; each class of an image counts with classes given", () => {
  const perImage = [
    { ...size, given: [found(1, 10, 10, 50, 30)], guessed: undefined },
    { ...size, given: [found(2, 0, 0, 100, 49), found(3, 0, 0, 20, 20)], guessed: undefined },
  ]
  const figures = localizationFigures(images, perImage)
  expect(figures).toMatchObject({ images: 2, gtClassError: 1 / 3, wholeImageError: 2 / 3 })
  expect([figures.localizationError, figures.classificationError]).toEqual([Number.NaN, Number.NaN])
})

test("a last pixel belongs to its box once: four rows of nine are less than a half", () => {
  const small = [record("a", 100, 100, [0, 0, 9, 9], [1])]
  const given = [{ ...size, given: [found(1, 0, 0, 9, 4)], guessed: undefined }]
  expect(localizationFigures(small, given).gtClassError).toBe(1)
})

test("guessed classes need both name and place, within five guesses or within one", () => {
  const perImage = [
    { ...size, given: [], guessed: [found(2, 10, 10, 50, 50), found(1, 10, 10, 50, 50)] },
    { ...size, given: [], guessed: [found(3, 50, 50, 70, 70)] },
  ]
  expect(localizationFigures(images, perImage)).toMatchObject({
    localizationError: 0.5,
    localizationErrorTop1: 1,
    classificationError: 0,
    classificationErrorTop1: 0.5,
    gtClassError: 1,
  })
})

test("an image that could not be read is wrong, one without objects does not count", () => {
  const empty = record("c", 100, 100, [], [])
  const perImage = [
    undefined,
    { ...size, given: [found(2, 0, 0, 100, 100), found(3, 0, 0, 20, 20)], guessed: undefined },
  ]
  expect(localizationFigures([images[0]!, images[1]!, empty], perImage)).toMatchObject({
    images: 2,
    gtClassError: 1 / 3,
  })
})

test("without images every figure is NaN", () => {
  expect(localizationFigures([], []).gtClassError).toBeNaN()
})
