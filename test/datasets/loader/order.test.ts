import fc from "fast-check"
import { expect, test } from "vitest"
import { planBatches, shardOrder } from "../../../datasets/loader/order.js"

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

test("images of shards come once each, shard after shard but for the buffer, by seed and epoch", () => {
  const [starts, count] = [[0, 4, 4, 7], 10]
  const order = (epoch: number, buffer: number, seed = 3) => shardOrder(starts, count, epoch, { seed, buffer })
  const all = Array.from({ length: count }, (_, image) => image)
  for (const buffer of [1, 3, 100]) {
    expect([...order(0, buffer)].sort((a, b) => a - b)).toEqual(all)
    expect(order(0, buffer)).toEqual(order(0, buffer))
    const others = [1, 2, 3, 4, 5].flatMap((n) => [order(n, buffer), order(0, buffer, n + 3)])
    expect(new Set(others.map(String)).size).toBeGreaterThan(3)
  }
  // With no room to draw from, shards are whole and in their own order.
  const shardOf = (image: number) => (image < 4 ? 0 : image < 7 ? 2 : 3)
  const inTurn = order(0, 1)
  expect(new Set(inTurn.map(shardOf)).size).toBe(3)
  for (let i = 1; i < count; i++)
    if (shardOf(inTurn[i]!) === shardOf(inTurn[i - 1]!)) expect(inTurn[i]).toBe(inTurn[i - 1]! + 1)
  expect(inTurn.filter((image, i) => i > 0 && shardOf(image) !== shardOf(inTurn[i - 1]!))).toHaveLength(2)
  // None comes more than the buffer before its turn.
  const turn = order(0, 1)
  for (const [i, image] of order(0, 3).entries()) expect(turn.indexOf(image)).toBeLessThan(i + 3)
})
