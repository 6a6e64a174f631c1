import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { evaluate } from "../../src/eval/report.js"
import type { TideErrors } from "../../src/eval/tide.js"
import { result, truthFile, type Xywh } from "./support/cases.js"

const golden = JSON.parse(readFileSync(new URL("../golden/eval/tide-random.json", import.meta.url), "utf8")) as {
  cases: {
    seed: number
    images: number
    categories: number[]
    truths: [image: number, category: number, box: Xywh][]
    detections: [image: number, category: number, box: Xywh, score: number][]
    expected: TideErrors
  }[]
}

test.each(golden.cases)("random case $seed: AP, gains and counts are tidecv's", (one) => {
  const file = truthFile(
    one.truths.map(([image, category, box]) => ({ image, category, box })),
    one.images,
    Math.max(...one.categories),
  )
  const truths = truthsFromCoco(file)
  const results = one.detections.map(([image, category, box, score]) => result(box, score, image, category))
  const { errors } = evaluate(truths, detectionsFromCoco(truths, results))
  expect(errors!.count).toEqual(one.expected.count)
  expect(errors!.AP).toBeCloseTo(one.expected.AP, 12)
  for (const [name, gain] of Object.entries(one.expected.gain)) {
    expect(errors!.gain[name as keyof TideErrors["gain"]], name).toBeCloseTo(gain, 12)
  }
})

const at: Xywh = [0, 0, 100, 100]
const other: Xywh = [300, 0, 100, 100]

function errorsOf(results: ReturnType<typeof result>[]) {
  const truths = truthsFromCoco(
    truthFile([{ box: at }, { box: other, category: 2 }, { box: [0, 300, 90, 90], crowd: true }], 1, 2),
  )
  return evaluate(truths, detectionsFromCoco(truths, results)).errors!
}
const bothRight = [result(at, 0.5), result(other, 0.5, 1, 2)]

test.each([
  ["classification", [...bothRight, result(other, 0.9, 1, 1)]],
  ["localization", [...bothRight, result([0, 0, 30, 100], 0.9)]],
  ["both", [...bothRight, result([300, 0, 30, 100], 0.9)]],
  ["duplicate", [...bothRight, result(at, 0.4)]],
  ["background", [...bothRight, result([600, 600, 10, 10], 0.9)]],
  ["missed", [result(at, 0.5)]],
] as const)("one %s error is counted as such and alone", (name, results) => {
  const { count } = errorsOf([...results])
  expect(count).toEqual({
    classification: 0,
    localization: 0,
    both: 0,
    duplicate: 0,
    background: 0,
    missed: 0,
    [name]: 1,
  })
})

test("the gain of a type is what AP lacks when it is the only error", () => {
  const { AP, gain } = errorsOf([result(at, 0.5)])
  expect(AP).toBeCloseTo(0.5, 12)
  expect(gain.missed).toBeCloseTo(0.5, 12)
})

test("a detection on a crowd is no error, and truths as predictions have none", () => {
  const truthsAsPredictions = [...bothRight, result([0, 300, 90, 90], 0.5)]
  const { AP, count, gain } = errorsOf(truthsAsPredictions)
  expect(AP).toBeCloseTo(1, 12)
  expect(Object.values(count)).toEqual([0, 0, 0, 0, 0, 0])
  expect(Object.values(gain)).toEqual([0, 0, 0, 0, 0, 0])
})
