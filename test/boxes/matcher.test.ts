import { expect, test } from "vitest"
import { ignoreCrowds, matchBoxes } from "../../src/boxes/matcher.js"
import { sampleMatches } from "../../src/boxes/sampler.js"
import { seededRandom } from "../../src/core/random.js"

const options = { positive: 0.7, negative: 0.3, allowLowQualityMatches: false }

test("a box is positive from the upper threshold, negative below the lower, neither between", () => {
  const truth = Float32Array.of(0, 0, 10, 10)
  const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 7, 0, 0, 10, 5, 0, 0, 10, 3, 0, 0, 10, 2)
  const matches = matchBoxes(boxes, truth, options)
  expect([...matches.positive]).toEqual([1, 1, 0, 0, 0])
  expect([...matches.negative]).toEqual([0, 0, 0, 0, 1])
  expect([...matches.matchedIndex]).toEqual([0, 0, 0, 0, 0])
})

test("a box below the lowest background IoU is neither, and still background where there are no truths", () => {
  const boxes = Float32Array.of(0, 0, 10, 2, 0, 0, 10, 1, 0, 0, 10, 0.9, 50, 50, 60, 60)
  const truth = Float32Array.of(0, 0, 10, 10)
  expect([...matchBoxes(boxes, truth, { ...options, negativeFrom: 0.1 }).negative]).toEqual([1, 1, 0, 0])
  expect([...matchBoxes(boxes, new Float32Array(0), { ...options, negativeFrom: 0.1 }).negative]).toEqual([1, 1, 1, 1])
})

test("without truths every box is background", () => {
  const matches = matchBoxes(Float32Array.of(0, 0, 10, 10), new Float32Array(0), options)
  expect([...matches.negative]).toEqual([1])
  expect([...matches.matchedIndex]).toEqual([-1])
})

test("a truth's best boxes are positive however little they overlap, ties too, and keep their own best truth", () => {
  const truths = Float32Array.of(0, 0, 10, 10, 0, 0, 100, 10)
  // The second truth's best boxes both lie inside the first truth's area: their target stays their own best.
  const boxes = Float32Array.of(0, 0, 10, 10, 200, 0, 210, 10)
  const matches = matchBoxes(boxes, truths, { ...options, allowLowQualityMatches: true })
  expect([...matches.positive]).toEqual([1, 0])
  expect(matches.matchedIndex[0]).toBe(0)
  const twins = matchBoxes(Float32Array.of(0, 0, 4, 4, 6, 6, 10, 10), Float32Array.of(0, 0, 10, 10), {
    ...options,
    allowLowQualityMatches: true,
  })
  expect([...twins.positive]).toEqual([1, 1])
})

test("a truth that no box touches makes nothing positive", () => {
  const matches = matchBoxes(Float32Array.of(0, 0, 4, 4), Float32Array.of(50, 50, 60, 60), {
    ...options,
    allowLowQualityMatches: true,
  })
  expect([...matches.positive]).toEqual([0])
})

test("a box inside a crowd is neither object nor background", () => {
  const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 15, 50, 50, 60, 60)
  const matches = matchBoxes(boxes, new Float32Array(0), options)
  ignoreCrowds(matches, boxes, Float32Array.of(0, 0, 10, 10))
  expect([...matches.negative]).toEqual([0, 1, 1])
})

test("a box counts as inside a crowd with more than 0.7 of its area", () => {
  // 10 wide each; 6.9, 7 and 7.1 of their 10 rows lie in the crowd.
  const boxes = Float32Array.of(0, 3.1, 10, 13.1, 0, 3, 10, 13, 0, 2.9, 10, 12.9)
  const matches = matchBoxes(boxes, new Float32Array(0), options)
  ignoreCrowds(matches, boxes, Float32Array.of(0, 0, 100, 10))
  expect([...matches.negative]).toEqual([1, 1, 0])
})

test("a sample has at most its share of positives, negatives fill the rest, nothing is drawn twice", () => {
  const matches = {
    matchedIndex: new Int32Array(1000),
    positive: Uint8Array.from({ length: 1000 }, (_, i) => Number(i < 300)),
    negative: Uint8Array.from({ length: 1000 }, (_, i) => Number(i >= 400)),
  }
  const { positives, negatives } = sampleMatches(
    matches,
    { batchSizePerImage: 256, positiveFraction: 0.5 },
    seededRandom(1),
  )
  expect([positives.length, negatives.length]).toEqual([128, 128])
  expect(new Set([...positives, ...negatives]).size).toBe(256)
  expect(positives.every((i) => i < 300) && negatives.every((i) => i >= 400)).toBe(true)
  const again = sampleMatches(matches, { batchSizePerImage: 256, positiveFraction: 0.5 }, seededRandom(2))
  expect([...again.positives]).not.toEqual([...positives])
})

test("where positives are few, negatives take their places", () => {
  const matches = {
    matchedIndex: new Int32Array(20),
    positive: Uint8Array.from({ length: 20 }, (_, i) => Number(i < 2)),
    negative: Uint8Array.from({ length: 20 }, (_, i) => Number(i >= 2)),
  }
  const { positives, negatives } = sampleMatches(
    matches,
    { batchSizePerImage: 10, positiveFraction: 0.5 },
    seededRandom(1),
  )
  expect([positives.length, negatives.length]).toEqual([2, 8])
})
