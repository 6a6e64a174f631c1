import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import { evaluateCoco } from "../../src/eval/coco.js"
import type { CocoOptions } from "../../src/eval/coco-options.js"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"
import { type PlainFile, type PlainResult, result, truthFile, type Xywh } from "./support/cases.js"

function evaluate(file: PlainFile, results: readonly PlainResult[], options: Partial<CocoOptions> = {}) {
  const truths = truthsFromCoco(file)
  return evaluateCoco(truths, detectionsFromCoco(truths, results), options)
}

const square: Xywh = [10, 10, 50, 50]
/** The reference's precision of one right detection is 1 / (1 + 2^-52), a hair below 1. */
const rounded = (...values: readonly number[]) => values.map((value) => Math.round(value * 1e12) / 1e12)

describe("evaluateCoco against pycocotools", () => {
  const golden = JSON.parse(readFileSync(new URL("../golden/eval/coco-random.json", import.meta.url), "utf8")) as {
    made: { pycocotools: string }
    cases: {
      seed: number
      truths: PlainFile
      results: PlainResult[]
      precision: string
      recall: string
      scores: string
      stats: number[]
    }[]
  }

  test.each(golden.cases)("random case $seed: every array is the reference's to the last bit", (one) => {
    const ours = evaluate(one.truths, one.results, { truthIdZero: "pycocotools" })
    for (const name of ["precision", "recall", "scores"] as const) {
      const reference = gunzipSync(Buffer.from(one[name], "base64"))
      const array = ours[name]
      expect(Buffer.from(array.buffer, array.byteOffset, array.byteLength).equals(reference), name).toBe(true)
    }
    expect([...ours.stats]).toEqual(one.stats)
  })

  test.skipIf(withoutSharedData)("the COCO API's own sample gives its published 12 numbers", () => {
    const read = (name: string) => JSON.parse(readFileSync(sharedData("eval-fixtures/cocoapi", name), "utf8"))
    const ours = evaluate(read("instances_val2014_100.json"), read("instances_val2014_fakebbox100_results.json"))
    const published = [
      0.5045806987249628, 0.6969727247299577, 0.5729816669904824, 0.5856257209410443, 0.5193996948036719,
      0.5013978986347466, 0.38681277964578054, 0.5936795762842003, 0.595352982877607, 0.6398109626113442,
      0.5664205978994309, 0.5642905982905982,
    ]
    for (const [i, value] of published.entries()) expect(Math.abs(ours.stats[i]! - value)).toBeLessThan(1e-12)
  })
})

describe("evaluateCoco by hand", () => {
  test("a perfect detection gives AP 1", () => {
    expect(evaluate(truthFile([{ box: square }]), [result(square, 0.9)]).summary.AP).toBeCloseTo(1, 12)
  })

  test("annotation id 0 counts as found when mended, as a false positive in pycocotools", () => {
    const file = truthFile([{ box: square, id: 0 }])
    expect(evaluate(file, [result(square, 0.9)]).summary.AP).toBeCloseTo(1, 12)
    expect(evaluate(file, [result(square, 0.9)], { truthIdZero: "pycocotools" }).summary.AP).toBe(0)
  })

  test("an ignore field in the file has no effect", () => {
    const file = truthFile([{ box: square }, { box: [300, 10, 50, 50] }])
    const marked = { ...file, annotations: file.annotations.map((a, i) => ({ ...a, ignore: i })) }
    expect(evaluate(marked, [result(square, 0.9)]).summary.AP).toBeCloseTo(51 / 101, 12)
  })

  test("a crowd swallows a detection from the threshold on by the share of it that lies inside", () => {
    const file = truthFile([{ box: [0, 0, 100, 100], crowd: true }, { box: [200, 200, 50, 50] }])
    // Better scored than the hit: a detection that counts is a false one, and halves the precision.
    const precision = (inside: number) =>
      evaluate(file, [result([100 - inside, 0, 100, 10], 0.9), result([200, 200, 50, 50], 0.8)]).summary.AP50
    expect([49, 50, 51].map(precision)).toEqual([0.5, 1, 1].map((value) => expect.closeTo(value, 6)))
  })

  test("a crowd swallows detections, yet the one allowed detection is spent on it", () => {
    const file = truthFile([{ box: [0, 0, 100, 100], crowd: true }, { box: [200, 200, 50, 50] }])
    const results = [result([10, 10, 20, 20], 0.9), result([40, 40, 20, 20], 0.8), result([200, 200, 50, 50], 0.7)]
    const { summary } = evaluate(file, results)
    expect(rounded(summary.AP, summary.AR1, summary.AR10)).toEqual([1, 0, 1])
  })

  test.each([
    { truth: [0, 0, 10, 10], detection: [0, 0, 6, 10], ap: 0.3 },
    { truth: [0, 0, 20, 10], detection: [0, 0, 17, 10], ap: 0.8 },
    { truth: [0, 0, 10, 10], detection: [0, 0, 9, 10], ap: 0.9 },
  ] as const)("an overlap of exactly a threshold reaches it: AP $ap", ({ truth, detection, ap }) => {
    expect(evaluate(truthFile([{ box: truth }]), [result(detection, 0.5)]).summary.AP).toBeCloseTo(ap, 12)
  })

  test("areas of exactly 32^2 and 96^2 belong to both neighbouring size classes", () => {
    const at32 = evaluate(truthFile([{ box: [0, 0, 32, 32] }]), [result([0, 0, 32, 32], 0.5)]).summary
    expect(rounded(at32.APs, at32.APm, at32.APl)).toEqual([1, 1, -1])
    const at96 = evaluate(truthFile([{ box: [0, 0, 96, 96] }]), [result([0, 0, 96, 96], 0.5)]).summary
    expect(rounded(at96.APs, at96.APm, at96.APl)).toEqual([-1, 1, 1])
  })

  test("the annotation's area field decides a truth's size class", () => {
    const { summary } = evaluate(truthFile([{ box: [0, 0, 100, 100], area: 900 }]), [result([0, 0, 100, 100], 0.5)])
    expect(rounded(summary.APs, summary.APm, summary.APl)).toEqual([1, -1, -1])
  })

  test("of equal overlaps the last truth is taken", () => {
    // The second detection overlaps only the first truth: it is right only when the first detection took the second.
    const file = truthFile([{ box: [0, 0, 10, 10] }, { box: [0, 0, 10, 10] }])
    const ids = { ...file, annotations: file.annotations.map((a, i) => (i === 1 ? { ...a, id: 0 } : a)) }
    const { recall } = evaluate(ids, [result([0, 0, 10, 10], 0.9)], { truthIdZero: "pycocotools" })
    expect(recall[2]).toBe(0)
  })

  test("equal scores keep the order of the images", () => {
    const file = truthFile([{ box: square }, { box: square, image: 2 }], 2)
    const far: Xywh = [400, 400, 20, 20]
    expect(evaluate(file, [result(far, 0.5, 2), result(square, 0.5, 1)]).summary.AP).toBeCloseTo(51 / 101, 12)
    expect(evaluate(file, [result(square, 0.5, 2), result(far, 0.5, 1)]).summary.AP).toBeCloseTo(51 / 202, 12)
  })

  test("a category without truths is left out of the mean", () => {
    const file = truthFile([{ box: square }], 1, 2)
    expect(evaluate(file, [result(square, 0.9), result(square, 0.9, 1, 2)]).summary.AP).toBeCloseTo(1, 12)
  })

  test("no match at all is 0, no truths at all is -1, no detections at all is 0", () => {
    expect(evaluate(truthFile([{ box: square }]), [result([300, 300, 9, 9], 0.9)]).summary.AP).toBe(0)
    expect(evaluate(truthFile([]), [result(square, 0.9)]).summary.AP).toBe(-1)
    expect([...evaluate(truthFile([{ box: square }]), []).stats]).toEqual([0, 0, 0, -1, 0, -1, 0, 0, 0, -1, 0, -1])
  })

  test.each([
    { found: 7, of: 20, points: 35 },
    { found: 7, of: 10, points: 70 },
  ])("$found of $of found reach $points grid points", ({ found, of, points }) => {
    const boxes = Array.from({ length: of }, (_, i): Xywh => [i * 100, 0, 50, 50])
    const { summary } = evaluate(
      truthFile(boxes.map((box) => ({ box }))),
      boxes.slice(0, found).map((box) => result(box, 0.5)),
    )
    expect(summary.AP50).toBeCloseTo(points / 101, 12)
  })

  test("ten false positives above one true positive", () => {
    const wrong = Array.from({ length: 10 }, (_, i) => result([300 + i, 300, 5, 5], 0.9))
    const { summary } = evaluate(truthFile([{ box: square }]), [...wrong, result(square, 0.1)])
    expect(summary.AP).toBeCloseTo(1 / 11, 12)
    expect([summary.AR1, summary.AR10, summary.AR100]).toEqual([0, 0, 1])
  })

  test("difficult truths are ignored unless they are to be counted", () => {
    const truths = truthsFromCoco(truthFile([{ box: square }, { box: [300, 10, 50, 50] }]))
    const { format: _, ...marked } = { ...truths, difficult: Uint8Array.of(0, 1) }
    const detections = detectionsFromCoco(truths, [result(square, 0.9)])
    expect(evaluateCoco(marked, detections).summary.AP).toBeCloseTo(1, 12)
    expect(evaluateCoco(marked, detections, { difficult: "counted" }).summary.AP).toBeCloseTo(51 / 101, 12)
    // pycocotools does not look at a COCO file's `ignore`.
    expect(evaluateCoco({ ...marked, format: "coco" }, detections).summary.AP).toBeCloseTo(51 / 101, 12)
  })

  test("more categories than there is room for are refused before any is taken", () => {
    const truths = truthsFromCoco(truthFile([{ box: square }], 1, 125_000))
    expect(() => evaluateCoco(truths, detectionsFromCoco(truths, []))).toThrow("125000 categories would take 23 GB")
  })

  test("an unknown option is refused with the nearest name", () => {
    expect(() => evaluate(truthFile([]), [], { maxDetection: [1] } as never)).toThrow('Did you mean "maxDetections"?')
    expect(() => evaluate(truthFile([]), [], { iouThresholds: [0.9, 0.5] })).toThrow("1 to 32 ascending numbers")
  })
})
