import { expect, test } from "vitest"
import { mixSeeds, seededRandom, shuffleFirst } from "../../src/core/random.js"

test("different seeds and different purposes give different numbers", () => {
  expect(seededRandom(1).uniform()).not.toBe(seededRandom(2).uniform())
  expect(new Set([mixSeeds(1, 2), mixSeeds(2, 1), mixSeeds(1, 2, 0), mixSeeds(1)]).size).toBe(4)
})

test("normal draws have mean 0 and deviation 1", () => {
  const random = seededRandom(3)
  const draws = Array.from({ length: 20_000 }, () => random.normal())
  const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length
  const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length
  expect(Math.abs(mean)).toBeLessThan(0.03)
  expect(Math.abs(variance - 1)).toBeLessThan(0.05)
})

test("shuffling keeps every element and reaches every element from the first place", () => {
  const seen = new Set<number>()
  for (let seed = 0; seed < 200; seed++) {
    const items = Int32Array.from({ length: 10 }, (_, i) => i)
    shuffleFirst(items, 1, seededRandom(seed))
    seen.add(items[0]!)
    expect([...items].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  }
  expect(seen.size).toBe(10)
})
