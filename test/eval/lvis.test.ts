import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { readCocoTruths } from "../../src/eval/coco-stream.js"
import { evaluateLvis, type LvisSummary } from "../../src/eval/lvis.js"
import { evaluate } from "../../src/eval/report.js"
import { type PlainFile, type PlainResult, result, truthFile, type Xywh } from "./support/cases.js"

const file = process.env.RESDET_GOLDEN_LVIS ?? new URL("../golden/eval/lvis-random.json", import.meta.url)
const golden = JSON.parse(readFileSync(file, "utf8")) as {
  cases: { seed: number; truths: PlainFile; results: PlainResult[]; expected: LvisSummary }[]
}

test.each(golden.cases)(
  "figures are the lvis package's own to the last bit (case $seed)",
  ({ truths, results, expected }) => {
    const table = truthsFromCoco(truths)
    const ours = evaluateLvis(table, detectionsFromCoco(table, results))
    const unmeasured = Object.entries(ours).map(([name, value]) => [name, Number.isNaN(value) ? -1 : value])
    expect(Object.fromEntries(unmeasured)).toEqual(expected)
  },
)

test("a file read as a stream says which classes were looked for, like the file parsed", async () => {
  for (const { truths } of golden.cases) {
    const bytes = new TextEncoder().encode(JSON.stringify(truths))
    expect(await readCocoTruths([bytes], "truths")).toEqual(truthsFromCoco(truths))
  }
})

const box: Xywh = [0, 0, 50, 50]
const away: Xywh = [200, 200, 50, 50]

function lvis(negative: readonly number[], notExhaustive: readonly number[]) {
  const { images, ...rest } = truthFile([{ box }], 1, 2)
  const record = { ...images[0]!, neg_category_ids: negative, not_exhaustive_category_ids: notExhaustive }
  return truthsFromCoco({ ...rest, images: [record] })
}

test("a detection counts only where its class was looked for, and exhaustively", () => {
  const ap = (truths: ReturnType<typeof lvis>) =>
    evaluateLvis(truths, detectionsFromCoco(truths, [result(away, 0.9), result(box, 0.8), result(away, 0.7, 1, 2)])).AP
  expect(ap(lvis([], []))).toBeCloseTo(0.5, 10)
  expect(ap(lvis([], [1]))).toBeCloseTo(1, 10)
  expect(ap(lvis([2], [1]))).toBeCloseTo(1, 10)
})

test("the report of LVIS annotations has LVIS's figures and says so", () => {
  const truths = lvis([2], [])
  const detections = detectionsFromCoco(truths, [result(box, 0.8)])
  const report = evaluate(truths, detections)
  expect(report.lvis).toEqual(evaluateLvis(truths, detections))
  expect(report.diagnosis.map(({ kind }) => kind)).toContain("federated")
  const others = truthsFromCoco(truthFile([{ box }]))
  expect(evaluate(others, detectionsFromCoco(others, []))).not.toHaveProperty("lvis")
})

test("other annotations are refused in one line", () => {
  const truths = truthsFromCoco(truthFile([{ box }]))
  expect(() => evaluateLvis(truths, detectionsFromCoco(truths, []))).toThrow(
    "evaluateLvis: expected LVIS annotations (images with neg_category_ids), got others",
  )
})

test("only the best 300 of an image count, whatever their classes and their place in the file", () => {
  const truths = lvis([2], [])
  const others = Array.from({ length: 300 }, (_, i) => result(away, 0.5 + i / 1000, 1, 2))
  const ap = (rest: readonly PlainResult[]) =>
    evaluateLvis(truths, detectionsFromCoco(truths, [result(box, 0.1), ...rest])).AP
  expect(ap(others.slice(1))).toBeCloseTo(1, 10)
  expect(ap(others)).toBe(0)
})
