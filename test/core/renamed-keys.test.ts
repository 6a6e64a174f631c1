import { expect, test } from "vitest"
import { renameOldKeys } from "../../src/core/renamed-keys.js"
import { fasterRcnnDefaults, withOverrides } from "../../src/detector/options.js"

const old = {
  epochs: 3,
  detector: {
    proposals: { train: { beforeNms: 2000, afterNms: 500 }, test: { afterNms: 100 } },
    rpn: { match: { bestOfEachTruth: true }, sample: { count: 64, positiveShare: 0.5 } },
    select: { limit: 10 },
  },
}

test("every old key gets its new name, with a line that says so, and the rest stays", () => {
  const { tree, lines } = renameOldKeys(old)
  expect(tree).toEqual({
    epochs: 3,
    detector: {
      proposals: { train: { preNmsTopN: 2000, postNmsTopN: 500 }, test: { postNmsTopN: 100 } },
      rpn: { match: { allowLowQualityMatches: true }, sample: { batchSizePerImage: 64, positiveFraction: 0.5 } },
      select: { maxDetections: 10 },
    },
  })
  expect(lines).toHaveLength(7)
  expect(lines).toContain('"detector.select.limit" is now called "maxDetections"')
  expect(lines).toContain('"detector.rpn.sample.count" is now called "batchSizePerImage"')
  expect(old.detector.select).toEqual({ limit: 10 })
})

test("the new names are the detector's own", () => {
  const { detector } = renameOldKeys<{ detector: object }>(old).tree
  expect(withOverrides(fasterRcnnDefaults, detector).select).toEqual({
    ...fasterRcnnDefaults.select,
    maxDetections: 10,
  })
  expect(renameOldKeys(fasterRcnnDefaults)).toEqual({ tree: fasterRcnnDefaults, lines: [] })
})

test("a word that means something else elsewhere stays, and lists and plain values too", () => {
  const tree = { count: 3, limit: 4, list: [{ limit: 5 }], nothing: null, select: { inner: { limit: 6 } } }
  expect(renameOldKeys(tree)).toEqual({ tree, lines: [] })
})

test("a key under both of its names is refused", () => {
  expect(() => renameOldKeys({ select: { limit: 1, maxDetections: 2 } })).toThrow(
    "expected select.limit to be left out, as maxDetections is given too",
  )
})
