import fc from "fast-check"
import { expect, test } from "vitest"
import { planBatches } from "../../../datasets/loader/order.js"

const options = { batchSize: 2, shuffle: true, seed: 1, dropLast: false, aspectGroups: 3 }

test("every image is planned once, in full batches but for the last", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.2, max: 5, noNaN: true })),
      fc.integer({ min: 1, max: 5 }),
      (ratios, size) => {
        const batches = planBatches(ratios, 0, { ...options, batchSize: size })
        expect(batches.flat().sort((a, b) => a - b)).toEqual(ratios.map((_, i) => i))
        expect(batches.slice(0, -1).every((batch) => batch.length === size)).toBe(true)
        expect(batches.length).toBe(Math.ceil(ratios.length / size))
      },
    ),
  )
})

test("wide and tall images do not share a batch while each has company", () => {
  const ratios = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 0.6 : 1.6))
  const isMixed = (batch: number[]) => new Set(batch.map((i) => i % 2)).size > 1
  expect(planBatches(ratios, 0, options).some(isMixed)).toBe(false)
  expect(planBatches(ratios, 0, { ...options, aspectGroups: 0 }).some(isMixed)).toBe(true)
})

test("without shuffling the order is that of the images", () => {
  expect(planBatches([1, 3, 1, 0.2, 1], 7, { ...options, shuffle: false })).toEqual([[0, 1], [2, 3], [4]])
})
