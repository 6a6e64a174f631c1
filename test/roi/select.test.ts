import { expect, test } from "vitest"
import { decodePredictions } from "../../src/roi/predictions.js"
import { postprocessDetections, selectCandidates, selectDefaults, selectOptions } from "../../src/roi/select.js"

// Two classes; logits that make scores easy to tell: the softmax of (0, ln a, ln b) is (1, a, b) / (1 + a + b).
const proposals = Float32Array.of(0, 0, 10, 10, 1, 0, 11, 10, 40, 40, 60, 60)
const logits = Float32Array.from([0, Math.log(8), 0, 0, Math.log(2), 0, 0, 0, Math.log(18)])
const deltas = new Float32Array(3 * 3 * 4)
const said = decodePredictions(proposals, logits, deltas)

test("each class is thinned by itself and all are ranked together", () => {
  const found = postprocessDetections(said, [100, 100], selectOptions({ score: 0.3 }))
  expect([...found.labels]).toEqual([2, 1])
  expect([...found.boxes]).toEqual([40, 40, 60, 60, 0, 0, 10, 10])
  expect(found.scores[0]).toBeCloseTo(0.9, 6)
  expect(found.scores[1]).toBeCloseTo(0.8, 6)
})

test("a low threshold lets every class speak for every region", () => {
  const found = postprocessDetections(said, [100, 100], selectOptions({ score: 0.01, nmsThreshold: 1 }))
  expect(found.scores).toHaveLength(6)
})

test("a class's own delta moves its box, and the image cuts it", () => {
  const own = deltas.slice()
  own[4 * (2 * 3 + 2)] = 10 // region 2, class 2: one width to the right
  const found = postprocessDetections(
    decodePredictions(proposals, logits, own),
    [100, 70],
    selectOptions({ score: 0.85 }),
  )
  expect([...found.boxes]).toEqual([60, 40, 70, 60])
})

test("the limit counts all classes together", () => {
  const found = postprocessDetections(said, [100, 100], selectOptions({ score: 0.3, maxDetections: 1 }))
  expect([...found.labels]).toEqual([2])
})

test("no regions give no detections", () => {
  const none = new Float32Array(0)
  expect(postprocessDetections(decodePredictions(none, none, none), [10, 10], selectDefaults).scores).toHaveLength(0)
})

test("a threshold outside 0..1 is refused", () => {
  expect(() => selectOptions({ score: 5 })).toThrow("expected score to be a number from 0 to 1, got 5")
})

test("an unknown kind of soft NMS is refused", () => {
  expect(() => selectOptions({ softNms: "gauss" as "gaussian" })).toThrow(
    'selectOptions: expected softNms to be off, linear or gaussian, got "gauss"',
  )
})

// Of one class, IoU 9/11; of another class in the same place.
const crowd = {
  boxes: Float32Array.of(0, 0, 10, 10, 1, 0, 11, 10, 0, 0, 10, 10),
  scores: Float32Array.of(0.75, 0.25, 0.5),
  labels: Int32Array.of(1, 1, 2),
}

test("with a vote the suppressed box moves the one that stays, of its own class alone, and scores stay", () => {
  const found = selectCandidates(crowd, selectOptions({ vote: true }))
  expect([...found.boxes]).toEqual([0.25, 0, 10.25, 10, 0, 0, 10, 10])
  expect([...found.scores]).toEqual([0.75, 0.5])
})

test("with soft NMS the overlapping box stays with what is left of its score", () => {
  const found = selectCandidates(crowd, selectOptions({ softNms: "linear" }))
  expect([...found.labels]).toEqual([1, 2, 1])
  expect(found.scores[2]).toBeCloseTo(0.25 * (2 / 11), 6)
})

test("soft NMS and a vote together: scores sink, votes count what they were", () => {
  const found = selectCandidates(crowd, selectOptions({ softNms: "linear", vote: true }))
  expect([...found.boxes.subarray(8)]).toEqual([0.25, 0, 10.25, 10])
  expect(found.scores[2]).toBeCloseTo(0.25 * (2 / 11), 6)
})

test("suppression over all classes together leaves one name to each place", () => {
  expect([...selectCandidates(crowd, selectOptions({})).labels]).toEqual([1, 2])
  const agnostic = selectCandidates(crowd, selectOptions({ agnostic: true }))
  expect([...agnostic.labels]).toEqual([1])
  expect([...agnostic.scores]).toEqual([0.75])
})
