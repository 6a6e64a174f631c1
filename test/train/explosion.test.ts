import { expect, test } from "vitest"
import { followLoss, hasExploded, type LossTrend } from "../../src/train/explosion.js"

/** After which of the losses, from 1, training counts as exploded; 0 for never. */
function explodesAt(losses: readonly number[]): number {
  let trend: LossTrend | undefined
  return (
    1 +
    losses.findIndex((loss) => {
      trend = followLoss(trend, loss)
      return hasExploded(trend)
    })
  )
}

test("losses that fall, rise to what they began with, or have single bad batches have not exploded", () => {
  expect(explodesAt([4, 3, 2, 1, 4, 4, 4, 4, 4, 4, 4])).toBe(0)
  expect(explodesAt([4, 3, 100, 2, 1, 90, 1])).toBe(0)
  expect(explodesAt([0.01, 0.02, 5, 0.01, 7, 7, 7])).toBe(0)
})

test("a loss that stays ten times as high as at the start has, and one that jumps has at once", () => {
  expect(explodesAt([4, 4, 4, 60_713])).toBe(4)
  expect(explodesAt([4, 60, 60, 60, 60, 60, 60])).toBe(6)
  expect(explodesAt([0.01, 15, 15, 15, 15, 15, 15])).toBe(6)
})
