import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { voteBoxes } from "../../src/boxes/vote.js"
import { expectClose } from "../support/close.js"

// IoU with the first: 1, 0.8, 0.4, 0.
const voters = {
  boxes: Float32Array.of(0, 0, 10, 10, 0, 0, 10, 8, 0, 0, 10, 4, 50, 50, 60, 60),
  scores: Float32Array.of(0.75, 0.25, 0.9, 0.9),
}
const [first] = [voters.boxes.subarray(0, 4)]

test("a box moves to the mean of those around it, weighted by their scores", () => {
  expect([...voteBoxes(first!, voters)]).toEqual([0, 0, 10, 9.5])
})

test("an overlap of exactly the threshold has a vote", () => {
  expectClose(voteBoxes(first!, voters, 0.4), [0, 0, 10, (7.5 + 2 + 3.6) / 1.9])
  expect([...voteBoxes(first!, voters, 0.81)]).toEqual([...first!])
})

test("a box that nobody overlaps, or only boxes scored 0, stays where it is", () => {
  const alone = Float32Array.of(20, 20, 30, 30)
  expect([...voteBoxes(alone, voters)]).toEqual([...alone])
  expect([...voteBoxes(first!, { ...voters, scores: new Float32Array(4) })]).toEqual([...first!])
  expect(voteBoxes(new Float32Array(0), voters)).toHaveLength(0)
})

test("each box has a vote of its own, whatever the order of the voters", () => {
  const both = voteBoxes(voters.boxes, voters)
  for (let i = 0; i < 4; i++) {
    expect([...both.subarray(4 * i, 4 * i + 4)]).toEqual([
      ...voteBoxes(voters.boxes.subarray(4 * i, 4 * i + 4), voters),
    ])
  }
  const turned = {
    boxes: Float32Array.of(50, 50, 60, 60, 0, 0, 10, 4, 0, 0, 10, 8, 0, 0, 10, 10),
    scores: Float32Array.of(0.9, 0.9, 0.25, 0.75),
  }
  expect([...voteBoxes(first!, turned)]).toEqual([0, 0, 10, 9.5])
})

test("votes equal the formula in numpy", () => {
  const golden = JSON.parse(readFileSync("test/golden/select.json", "utf8")) as {
    readonly boxes: number[]
    readonly scores: number[]
    readonly voted: number[][]
  }
  const boxes = Float32Array.from(golden.boxes)
  expectClose(voteBoxes(boxes, { boxes, scores: Float32Array.from(golden.scores) }), golden.voted.flat(), 1e-6)
})
