import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { evaluateVoc, inclusiveIou, type VocOptions } from "../../src/eval/voc.js"
import { allPointsAp, elevenPointAp, vocCurve } from "../../src/eval/voc-ap.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"
import { type result, truthFile, type Xywh } from "./support/cases.js"

test.each([
  { truths: 10, found: [1, 1, 1], eleven: 3 / 11, all: 0.3 },
  { truths: 10, found: [1, 1, 1, 1, 1, 1], eleven: 6 / 11, all: 0.6 },
  { truths: 10, found: [1, 1, 1, 1, 1, 1, 1], eleven: 7 / 11, all: 0.7 },
  { truths: 10, found: [1, 1, 1, 1, 1, 1, 1, 1], eleven: 9 / 11, all: 0.8 },
  { truths: 20, found: [1, 1, 1, 1, 1, 1], eleven: 0.2727272727272727, all: 0.3 },
  { truths: 4, found: [1, 0, 1, 1, 0, 0, 1], eleven: 0.7694805194805194, all: 0.7678571428571428 },
  { truths: 5, found: [1, 1, 0, 1, 0, 0, 1, 0], eleven: 0.6785714285714286, all: 0.6642857142857144 },
  { truths: 3, found: [1], eleven: 0.36363636363636365, all: 1 / 3 },
])("$found of $truths truths: 11 points $eleven, all points $all", ({ truths, found, eleven, all }) => {
  const curve = vocCurve(Uint8Array.from(found), truths)
  expect(elevenPointAp(curve)).toBeCloseTo(eleven, 14)
  expect(allPointsAp(curve)).toBeCloseTo(all, 14)
})

/** VOC's 1-based inclusive corners as x, y, width, height, 0-based and continuous. */
const xywh = ([x1, y1, x2, y2]: readonly number[]): Xywh => [x1! - 1, y1! - 1, x2! - x1! + 1, y2! - y1! + 1]

/** One class, one image; boxes as inclusive corners. */
function evaluate(
  truths: readonly (readonly number[])[],
  detections: readonly { readonly box: readonly number[]; readonly score: number }[],
  options: Partial<VocOptions> = {},
  difficult: readonly number[] = truths.map(() => 0),
) {
  const table = truthsFromCoco(truthFile(truths.map((box) => ({ box: xywh(box) }))))
  const found = detections.map(
    ({ box, score }): ReturnType<typeof result> => ({ image_id: 1, category_id: 1, bbox: xywh(box), score }),
  )
  return evaluateVoc({ ...table, difficult: Uint8Array.from(difficult) }, detectionsFromCoco(table, found), options)[0]!
}

describe("evaluateVoc against ChainerCV's port of the devkit", () => {
  const file = process.env.RESDET_GOLDEN_VOC ?? new URL("../golden/eval/voc-random.json", import.meta.url)
  const golden = JSON.parse(readFileSync(file, "utf8")) as {
    cases: {
      seed: number
      images: number
      classes: number
      truths: [image: number, label: number, difficult: number, box: number[]][]
      detections: [image: number, label: number, score: number, box: number[]][]
      expected: { iouThreshold: number; voc07: (number | null)[]; voc12: (number | null)[] }[]
    }[]
  }

  test.each(golden.cases)("random case $seed: every AP is the reference's", (one) => {
    const table = truthsFromCoco(
      truthFile(
        one.truths.map(([image, label, , box]) => ({ image: image + 1, category: label + 1, box: xywh(box) })),
        one.images,
        one.classes,
      ),
    )
    const truths = { ...table, difficult: Uint8Array.from(one.truths, ([, , difficult]) => difficult) }
    const results = one.detections.map(([image, label, score, box]) => ({
      image_id: image + 1,
      category_id: label + 1,
      bbox: xywh(box),
      score,
    }))
    const iouThresholds = one.expected.map(({ iouThreshold }) => iouThreshold)
    const ours = evaluateVoc(truths, detectionsFromCoco(table, results), { iouThresholds })
    one.expected.forEach((expected, t) => {
      for (const key of ["voc07", "voc12"] as const) {
        expected[key].forEach((ap, k) => {
          const value = ours[t]!.perClass[k]![key]
          if (ap === null) expect(value, `${key} of class ${k}`).toBeNaN()
          else expect(value, `${key} of class ${k}`).toBeCloseTo(ap, 13)
        })
      }
    })
  })
})

describe("evaluateVoc", () => {
  const truth = [1, 1, 10, 10]

  test("a width is right - left + 1", () => {
    expect(inclusiveIou([1, 1, 10, 10], 0, [1, 1, 10, 5], 0)).toBe(0.5)
    expect(inclusiveIou([1, 1, 10, 10], 0, [10, 10, 10, 10], 0)).toBe(0.01)
    expect(inclusiveIou([1, 1, 10, 10], 0, [11, 1, 20, 10], 0)).toBe(0)
  })

  test("an overlap of exactly 0.5 is a match, but not for the Python variant", () => {
    const half = [{ box: [1, 1, 10, 5], score: 0.5 }]
    expect(evaluate([truth], half).voc12).toBe(1)
    expect(evaluate([truth], half, { match: "above" }).voc12).toBe(0)
  })

  test("a detection of a taken truth is wrong, even where it overlaps another one enough", () => {
    const truths = [truth, [3, 1, 12, 10]]
    const twice = [
      { box: [1, 1, 10, 10], score: 0.9 },
      { box: [1, 1, 11, 10], score: 0.8 },
    ]
    expect(evaluate(truths, twice).voc12).toBe(0.5)
  })

  test("difficult objects count neither when found nor when missed", () => {
    const truths = [truth, [101, 101, 110, 110]]
    const both = [
      { box: [101, 101, 110, 110], score: 0.9 },
      { box: truth, score: 0.8 },
    ]
    const result = evaluate(truths, both, {}, [0, 1])
    expect(result.voc12).toBe(1)
    expect(result.perClass[0]).toMatchObject({ truths: 1, difficult: 1, detections: 2 })
  })

  test("of equal overlaps the first truth is taken", () => {
    const found = [{ box: truth, score: 0.5 }]
    expect(evaluate([truth, truth], found, {}, [0, 1]).voc12).toBe(1)
    expect(evaluate([truth, truth], found, {}, [1, 0]).voc12).toBe(0)
  })

  test("equal scores keep the order of the table", () => {
    const right = { box: truth, score: 0.5 }
    const wrong = { box: [200, 200, 210, 210], score: 0.5 }
    expect(evaluate([truth], [right, wrong]).voc12).toBe(1)
    expect(evaluate([truth], [wrong, right]).voc12).toBe(0.5)
  })

  test("a class without truths is n/a, and so is a mean of none", () => {
    const result = evaluate([truth], [{ box: truth, score: 0.5 }], {}, [1])
    expect([result.voc07, result.voc12, result.perClass[0]!.voc12]).toEqual([Number.NaN, Number.NaN, Number.NaN])
  })

  test("a threshold that is no share is refused", () => {
    expect(() => evaluate([truth], [], { iouThresholds: [50] })).toThrow("numbers from 0 to 1")
  })

  test.skipIf(withoutSharedData)("the 24 detections of the public sample give its published APs at 0.3", () => {
    const read = (folder: string) =>
      readdirSync(sharedData("eval-fixtures/voc-odm-sample2", folder))
        .sort()
        .map((name) =>
          readFileSync(sharedData("eval-fixtures/voc-odm-sample2", folder, name), "utf8")
            .trim()
            .split("\n")
            .map((line) => line.split(/\s+/).slice(1).map(Number)),
        )
    // The sample's x, y, width, height are read as corners x, y, x + width, y + height, pixels inclusive.
    const box = ([x, y, w, h]: number[]): Xywh => [x! - 1, y! - 1, w! + 1, h! + 1]
    const truths = truthsFromCoco(
      truthFile(
        read("groundtruths").flatMap((lines, i) => lines.map((line) => ({ box: box(line), image: i + 1 }))),
        7,
      ),
    )
    const results = read("detections").flatMap((lines, i) =>
      lines.map(([score, ...xywh]) => ({ image_id: i + 1, category_id: 1, bbox: box(xywh), score: score! })),
    )
    const [at30] = evaluateVoc(truths, detectionsFromCoco(truths, results), { iouThresholds: [0.3] })
    expect(results.length).toBe(24)
    expect((at30!.voc12 * 100).toFixed(2)).toBe("24.57")
    expect((at30!.voc07 * 100).toFixed(2)).toBe("26.84")
  })
})
