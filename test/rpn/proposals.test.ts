import { expect, test } from "vitest"
import { proposalOptions, proposeBoxes, testProposalDefaults } from "../../src/rpn/proposals.js"

const anchors = Float32Array.of(0, 0, 10, 10, 1, 0, 11, 10, 90, 90, 130, 130, 200, 200, 210, 210)

test("proposals come best first, cut to the image, thinned, without what lies outside", () => {
  const proposals = proposeBoxes(
    [anchors],
    Float32Array.of(1, 2, 0, 5),
    new Float32Array(16),
    [100, 120],
    testProposalDefaults,
  )
  expect([...proposals]).toEqual([1, 0, 11, 10, 90, 90, 120, 100])
})

test("only the best anchors are looked at", () => {
  const options = proposalOptions(testProposalDefaults, { preNmsTopN: 1 })
  const proposals = proposeBoxes([anchors], Float32Array.of(1, 2, 9, 0), new Float32Array(16), [300, 300], options)
  expect([...proposals]).toEqual([90, 90, 130, 130])
})

test("a delta moves its own anchor", () => {
  const deltas = new Float32Array(16)
  deltas[8] = 0.25
  const options = proposalOptions(testProposalDefaults, { preNmsTopN: 1 })
  const proposals = proposeBoxes([anchors], Float32Array.of(1, 2, 9, 0), deltas, [300, 300], options)
  expect([...proposals]).toEqual([100, 90, 140, 130])
})

test("without anchors there are no proposals", () => {
  const none = new Float32Array(0)
  expect(proposeBoxes([none], none, none, [10, 10], testProposalDefaults)).toHaveLength(0)
})

test("levels are thinned by themselves, and the best of all go on", () => {
  const twice = [anchors.subarray(0, 8), anchors.subarray(0, 8)]
  const propose = (postNmsTopN: number) => {
    const options = proposalOptions(testProposalDefaults, { preNmsTopN: 1, postNmsTopN })
    return [...proposeBoxes(twice, Float32Array.of(1, 2, 4, 3), new Float32Array(16), [300, 300], options)]
  }
  // One anchor a level is looked at; the same box on two levels is proposed twice.
  expect(propose(9)).toEqual([0, 0, 10, 10, 1, 0, 11, 10])
  expect(propose(1)).toEqual([0, 0, 10, 10])
})
