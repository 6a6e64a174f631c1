import { expect, test } from "vitest"
import { sampleMatches } from "../../src/boxes/sampler.js"
import { seededRandom } from "../../src/core/random.js"

/** Matches of `positives` positive boxes, `negatives` negative ones, and one that is neither between them. */
function matches(positives: number, negatives: number) {
  const count = positives + 1 + negatives
  return {
    matchedIndex: new Int32Array(count),
    positive: Uint8Array.from({ length: count }, (_, i) => Number(i < positives)),
    negative: Uint8Array.from({ length: count }, (_, i) => Number(i > positives)),
  }
}

const draw = (positives: number, negatives: number, batchSizePerImage: number, positiveFraction: number) => {
  const sample = sampleMatches(matches(positives, negatives), { batchSizePerImage, positiveFraction }, seededRandom(1))
  return [sample.positives.length, sample.negatives.length]
}

test("a share that is no whole number of boxes is rounded down, and negatives fill the rest", () => {
  expect(draw(20, 20, 10, 0.25)).toEqual([2, 8])
  expect(draw(20, 20, 10, 0.29)).toEqual([2, 8])
  expect(draw(20, 20, 7, 0.5)).toEqual([3, 4])
  expect(draw(20, 20, 1, 0.5)).toEqual([0, 1])
})

test("where positives are few negatives take their places, where negatives are few nobody does", () => {
  expect(draw(1, 20, 10, 0.5)).toEqual([1, 9])
  expect(draw(20, 3, 10, 0.5)).toEqual([5, 3])
  expect(draw(0, 0, 10, 0.5)).toEqual([0, 0])
})

test("draws are without replacement, ascending, of their own kind, and change with the seed", () => {
  const all = matches(30, 60)
  const sample = (seed: number) =>
    sampleMatches(all, { batchSizePerImage: 24, positiveFraction: 0.5 }, seededRandom(seed))
  const { positives, negatives } = sample(1)
  for (const [drawn, mask] of [
    [positives, all.positive],
    [negatives, all.negative],
  ] as const) {
    expect([...drawn]).toEqual([...new Set(drawn)].sort((a, b) => a - b))
    expect([...drawn].every((i) => mask[i] === 1)).toBe(true)
  }
  expect(sample(1)).toEqual({ positives, negatives })
  expect(sample(2)).not.toEqual({ positives, negatives })
})
