import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { fuseBoxes } from "../../src/boxes/fuse.js"
import { expectClose } from "../support/close.js"

interface Columns {
  readonly boxes: readonly number[]
  readonly scores: readonly number[]
  readonly labels: readonly number[]
}
const { cases } = JSON.parse(readFileSync("test/golden/fusion.json", "utf8")) as {
  readonly cases: readonly { readonly threshold: number; readonly lists: readonly Columns[]; readonly fused: Columns }[]
}
const detections = ({ boxes, scores, labels }: Columns) => ({
  boxes: Float32Array.from(boxes),
  scores: Float32Array.from(scores),
  labels: Int32Array.from(labels),
})

test.each(cases)("fused boxes are those of ensemble-boxes, case %#", ({ threshold, lists, fused }) => {
  const made = fuseBoxes(lists.map(detections), threshold)
  expect([...made.labels]).toEqual(fused.labels)
  expectClose(made.scores, fused.scores, 1e-5)
  expectClose(made.boxes, fused.boxes, 1e-3)
})

const one = detections({ boxes: [0, 0, 10, 10], scores: [0.8], labels: [1] })

test("two lists that agree keep the score; what one alone has found has half of it", () => {
  const other = detections({ boxes: [0, 0, 10, 8, 50, 50, 60, 60], scores: [0.4, 0.6], labels: [1, 1] })
  const fused = fuseBoxes([one, other])
  expectClose(fused.scores, [0.6, 0.3])
  expectClose(fused.boxes, [0, 0, 10, (0.8 * 10 + 0.4 * 8) / 1.2, 50, 50, 60, 60])
})

test("classes stay apart, empty boxes and empty lists are no harm", () => {
  const other = detections({ boxes: [0, 0, 10, 10, 5, 5, 5, 9], scores: [0.8, 0.9], labels: [2, 2] })
  expect([...fuseBoxes([one, other]).labels].sort()).toEqual([1, 2])
  expect(fuseBoxes([one])).toEqual(one)
  expect(fuseBoxes([]).scores).toHaveLength(0)
})
