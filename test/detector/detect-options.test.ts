import { expect, test } from "vitest"
import { checkDetectOptions, selectionFor } from "../../src/detector/detect-options.js"
import { selectDefaults } from "../../src/roi/select.js"

test.each([
  [{ score: 1.5 }, "detect: expected score to be a number from 0 to 1, got 1.5"],
  [{ nms: -1 }, "detect: expected nms to be a number from 0 to 1, got -1"],
  [{ maxDetections: 0 }, "detect: expected maxDetections to be a whole number, 1 or more, got 0"],
  [{ softNms: "hard" }, 'detect: expected softNms to be off, linear or gaussian, got "hard"'],
  [{ refine: 1 }, "detect: expected refine to be true or false, got 1"],
  [{ scales: 400 }, "detect: expected scales to be a list of whole numbers, 1 to 8192, got 400"],
  [{ scales: [400, 0] }, "detect: expected scales to be a list of whole numbers, 1 to 8192, got [400,0]"],
  [{ scales: [8192, 8193] }, "detect: expected scales to be a list of whole numbers, 1 to 8192, got [8192,8193]"],
  [{ tiles: 16 }, "detect: expected tiles to be a whole number, 32 or more, got 16"],
  [{ fusion: "mean" }, 'detect: expected fusion to be nms or wbf, got "mean"'],
  [{ overlap: 1 }, "detect: expected overlap to be a number from 0 to 0.9, got 1"],
  [{ flips: true }, /^detect: unknown option "flips"\. Did you mean "flip"\?/],
])("%j is refused in one line", (options, line) => {
  expect(() => checkDetectOptions("detect", options as object)).toThrow(line)
})

test("what is not given is not checked", () => {
  checkDetectOptions("detect", {})
  checkDetectOptions("detect", { scales: [], tiles: 640, overlap: 0, flip: false })
})

test("a detector's own way of choosing stays where nothing else is asked", () => {
  const own = { ...selectDefaults, nmsThreshold: 0.3, vote: true }
  expect(selectionFor(own, {})).toEqual(own)
  expect(selectionFor(own, { nms: 0.6, maxDetections: 7, vote: false, softNms: "linear" })).toEqual({
    ...own,
    nmsThreshold: 0.6,
    maxDetections: 7,
    vote: false,
    softNms: "linear",
  })
})

test("a detector that was saved before there were votes has none", () => {
  const { vote, softNms, ...old } = selectDefaults
  expect(selectionFor(old, {})).toEqual(selectDefaults)
})

test("a wanted score lowers the threshold of what takes part, and never raises it", () => {
  expect(selectionFor(selectDefaults, { score: 0.01 }).score).toBe(0.01)
  expect(selectionFor(selectDefaults, { score: 0.9 }).score).toBe(selectDefaults.score)
})
