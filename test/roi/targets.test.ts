import { expect, test } from "vitest"
import { seededRandom } from "../../src/core/random.js"
import { roiMatchDefaults, roiSampleDefaults, roiTargets } from "../../src/roi/targets.js"

const options = { match: roiMatchDefaults, sample: roiSampleDefaults }
const none = new Float32Array(0)

test("truths join the proposals, foreground comes first with its truth's label and delta", () => {
  const truths = { boxes: Float32Array.of(0, 0, 10, 10), labels: Int32Array.of(7) }
  const targets = roiTargets(Float32Array.of(50, 50, 60, 60, 0, 0, 10, 8), truths, none, options, seededRandom(1))
  expect([...targets.labels]).toEqual([7, 7, 0])
  expect([...targets.boxes]).toEqual([0, 0, 10, 8, 0, 0, 10, 10, 50, 50, 60, 60])
  expect(targets.deltas).toHaveLength(8)
  expect(targets.deltas[1]).toBeCloseTo((10 * 1) / 8, 6)
  expect([...targets.deltas.subarray(4)]).toEqual([0, 0, 0, 0])
})

test("at most a quarter of the sample is foreground", () => {
  const truths = { boxes: Float32Array.of(0, 0, 10, 10), labels: Int32Array.of(1) }
  const proposals = new Float32Array(4 * 100)
  for (let i = 0; i < 100; i++) proposals.set(i < 50 ? [0, 0, 10, 10] : [50, 50, 60, 60], 4 * i)
  const sample = { batchSizePerImage: 32, positiveFraction: 0.25 }
  const targets = roiTargets(proposals, truths, none, { ...options, sample }, seededRandom(1))
  expect(targets.labels.filter((label) => label > 0)).toHaveLength(8)
  expect(targets.labels).toHaveLength(32)
})

test("without truths and proposals nothing is sampled", () => {
  const targets = roiTargets(none, { boxes: none, labels: new Int32Array(0) }, none, options, seededRandom(1))
  expect(targets.boxes).toHaveLength(0)
})

test("a proposal inside a crowd is not background", () => {
  const truths = { boxes: none, labels: new Int32Array(0) }
  const targets = roiTargets(
    Float32Array.of(0, 0, 9, 9),
    truths,
    Float32Array.of(0, 0, 20, 20),
    options,
    seededRandom(1),
  )
  expect(targets.labels).toHaveLength(0)
})
