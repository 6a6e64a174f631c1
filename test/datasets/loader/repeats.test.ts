import fc from "fast-check"
import { expect, test } from "vitest"
import { drawRepeats, repeatedLength, repeatFactors } from "../../../datasets/loader/repeats.js"
import { seededRandom } from "../../../src/core/random.js"

const images = (...labels: number[][]) => labels.map((own) => ({ labels: Int32Array.from(own) }))

test("an image comes as often as its rarest class asks for: sqrt(threshold / share of the images)", () => {
  // Class 1 is in all eight images, class 2 in two of them, class 3 in one.
  const set = images([1, 1], [1], [1], [1], [1], [1, 2], [1, 2], [1, 3, 3])
  const factors = repeatFactors(set, 0.5)
  expect([...factors].slice(0, 5)).toEqual([1, 1, 1, 1, 1])
  expect(factors[5]).toBeCloseTo(Math.sqrt(0.5 / 0.25), 12)
  expect(factors[7]).toBeCloseTo(Math.sqrt(0.5 / 0.125), 12)
  expect([...repeatFactors(set, 0)]).toEqual(new Array(8).fill(1))
  expect([...repeatFactors(images([], [1]), 1)]).toEqual([1, Math.SQRT2])
})

test("every epoch is equally long, and each image comes its whole part of times or once more", () => {
  const factor = fc.double({ min: 1, max: 4, noNaN: true })
  fc.assert(
    fc.property(fc.array(factor), fc.integer(), (list, seed) => {
      const factors = Float64Array.from(list)
      const drawn = drawRepeats(factors, seededRandom(seed))
      expect(drawn.length).toBe(repeatedLength(factors))
      expect(new Set(drawn).size).toBe(drawn.length)
      const counts = list.map((_, image) => drawn.filter((position) => position % list.length === image).length)
      const extra = counts.map((count, image) => count - Math.floor(list[image]!))
      // Rounding the length may stretch a single fraction beyond 1.
      expect(extra.every((more) => more >= 0 && more <= 2)).toBe(true)
    }),
  )
})

test("over many epochs an image comes as often as its factor says", () => {
  const factors = Float64Array.of(1, 1.25, 1.5, 2.75, 3, 1.5)
  const counts = new Float64Array(6)
  const epochs = 4000
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const position of drawRepeats(factors, seededRandom(epoch))) counts[position % 6]! += 1 / epochs
  }
  for (const [image, factor] of factors.entries()) expect(Math.abs(counts[image]! - factor)).toBeLessThan(0.03)
})
