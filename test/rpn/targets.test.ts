import { expect, test } from "vitest"
import { seededRandom } from "../../src/core/random.js"
import { rpnMatchDefaults, rpnSampleDefaults, rpnTargets } from "../../src/rpn/targets.js"

const options = { match: rpnMatchDefaults, sample: rpnSampleDefaults }
const anchors = Float32Array.of(0, 0, 20, 20, 5, 0, 25, 20, 100, 100, 120, 120)
const none = new Float32Array(0)

test("the best anchor learns its truth's delta, the distant one is background, the one between is left alone", () => {
  const targets = rpnTargets(anchors, Float32Array.of(1, 0, 21, 20), none, options, seededRandom(1))
  expect([...targets.positives]).toEqual([0])
  expect([...targets.negatives]).toEqual([2])
  expect(targets.deltas[0]).toBeCloseTo(0.05, 6)
  expect([...targets.deltas.subarray(1)]).toEqual([0, 0, 0])
})

test("anchors over the border take no part where only those inside the image do, and keep their places", () => {
  const truth = Float32Array.of(4, 0, 24, 20)
  const inside = rpnTargets(anchors, truth, none, { ...options, within: [20, 24.5] }, seededRandom(1))
  // The second, which overlaps more, reaches beyond the right border: the first is the truth's best of those that are left.
  expect([...inside.positives]).toEqual([0])
  expect([...inside.anchors]).toEqual([0, 0, 20, 20])
  expect([...inside.negatives]).toEqual([])
  const all = rpnTargets(anchors, truth, none, options, seededRandom(1))
  expect([[...all.positives], [...all.negatives]]).toEqual([[1], [2]])
  const later = rpnTargets(
    Float32Array.of(-1, 0, 20, 20, 0, 0, 20, 20),
    Float32Array.of(0, 0, 20, 20),
    none,
    { ...options, within: [20, 20] },
    seededRandom(1),
  )
  expect([...later.positives]).toEqual([1])
})

test("an image without objects teaches background alone", () => {
  const targets = rpnTargets(anchors, none, none, options, seededRandom(1))
  expect([targets.positives.length, targets.negatives.length]).toEqual([0, 3])
})

test("an anchor inside a crowd is not background", () => {
  const targets = rpnTargets(anchors, none, Float32Array.of(90, 90, 130, 130), options, seededRandom(1))
  expect([...targets.negatives]).toEqual([0, 1])
})
