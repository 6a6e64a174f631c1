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

test("an image without objects teaches background alone", () => {
  const targets = rpnTargets(anchors, none, none, options, seededRandom(1))
  expect([targets.positives.length, targets.negatives.length]).toEqual([0, 3])
})

test("an anchor inside a crowd is not background", () => {
  const targets = rpnTargets(anchors, none, Float32Array.of(90, 90, 130, 130), options, seededRandom(1))
  expect([...targets.negatives]).toEqual([0, 1])
})
