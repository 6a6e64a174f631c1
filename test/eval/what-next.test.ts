import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { seededRandom } from "../../src/core/random.js"
import { bootstrapAp, interval, WeightedAp } from "../../src/eval/bootstrap.js"
import { calibration, fBetaThresholds } from "../../src/eval/calibration.js"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { compareDetections } from "../../src/eval/compare.js"
import { matchDetections } from "../../src/eval/matched.js"
import { evaluate } from "../../src/eval/report.js"
import { evaluateSlices, slicesByFolder, slicesBySize, slicesFromFile } from "../../src/eval/slices.js"
import { labelSuspects } from "../../src/eval/suspects.js"
import { type PlainFile, type PlainResult, result, type TruthCase, truthFile, type Xywh } from "./support/cases.js"

const IMAGES = 5
const CLASSES = 3
const box = fc.tuple(
  ...[60, 60, 40, 40].map((most, i) => fc.integer({ min: i < 2 ? 0 : 1, max: most })),
) as unknown as fc.Arbitrary<Xywh>
const image = fc.integer({ min: 1, max: IMAGES })
const category = fc.integer({ min: 1, max: CLASSES })
const truth = fc.record({ box, image, category, crowd: fc.constantFrom(false, false, false, true) })
const detection = fc.tuple(box, image, category)
/** Scores differ: between equal ones the copies of an image would be told apart. */
const scene = fc
  .record({
    truths: fc.array(truth, { minLength: 1, maxLength: 14 }),
    found: fc.array(detection, { maxLength: 25 }),
    weights: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: IMAGES, maxLength: IMAGES }),
  })
  .map(({ truths, found, weights }) => ({
    file: truthFile(truths, IMAGES, CLASSES),
    results: found.map(([b, i, c], n) => result(b, 0.9 - n / 100, i, c)),
    weights,
  }))

const matchedOf = (file: PlainFile, results: readonly PlainResult[]) => {
  const truths = truthsFromCoco(file)
  return matchDetections(truths, detectionsFromCoco(truths, results))
}

/** The file and results with each image as often as its weight says. */
function copied(file: PlainFile, results: readonly PlainResult[], weights: readonly number[]) {
  const copies = (id: number) => Array.from({ length: weights[id - 1]! }, (_, copy) => id + 100 * copy)
  const images = file.images.flatMap((one) => copies(one.id).map((id) => ({ ...one, id })))
  const annotations = file.annotations
    .flatMap((one) => copies(one.image_id).map((id) => ({ ...one, image_id: id })))
    .map((one, i) => ({ ...one, id: i + 1 }))
  const all = results.flatMap((one) => copies(one.image_id).map((id) => ({ ...one, image_id: id })))
  return { file: { ...file, images, annotations }, results: all }
}

describe("bootstrap", () => {
  test("an image of weight n counts like n copies of it", () => {
    fc.assert(
      fc.property(scene, ({ file, results, weights }) => {
        const more = copied(file, results, weights)
        const truths = truthsFromCoco(more.file)
        const { coco } = evaluate(truths, detectionsFromCoco(truths, more.results))
        const { AP, AP50 } = new WeightedAp(matchedOf(file, results)).of(Uint32Array.from(weights))
        if (Number.isNaN(coco.AP)) expect(AP).toBeNaN()
        else {
          expect(AP).toBeCloseTo(coco.AP, 10)
          expect(AP50).toBeCloseTo(coco.AP50, 10)
        }
      }),
      { numRuns: 300 },
    )
  })

  const some = fc.sample(scene, { numRuns: 1, seed: 5 })[0]!

  test("the same seed gives the same interval around the figure, another seed another", () => {
    const matched = matchedOf(some.file, some.results)
    const once = bootstrapAp(matched, { samples: 200 })
    expect(bootstrapAp(matched, { samples: 200 })).toEqual(once)
    expect(bootstrapAp(matched, { samples: 200, seed: 2 })).not.toEqual(once)
    expect(once.AP.low).toBeLessThanOrEqual(once.AP.value)
    expect(once.AP.high).toBeGreaterThanOrEqual(once.AP.value)
  })

  test("an interval is the middle of the samples, laid around the figure, whatever their order", () => {
    const samples = Array.from({ length: 101 }, (_, i) => ((i * 37) % 101) / 100)
    const { low, high, standardError } = interval(0.4, [...samples, Number.NaN], 0.9)
    expect(low).toBeCloseTo(0.4 - 0.45, 12)
    expect(high).toBeCloseTo(0.4 + 0.45, 12)
    expect(standardError).toBeCloseTo(Math.sqrt((101 * (101 * 101 - 1)) / 12 / 100) / 100, 10)
  })

  test.each([
    [{ samples: 0 }, "bootstrapAp: expected samples to be a whole number, 1 or more, got 0"],
    [{ confidence: 1 }, "bootstrapAp: expected confidence to be a number above 0 and below 1, got 1"],
  ])("%j is refused in one line", (options, message) => {
    expect(() => bootstrapAp(matchedOf(some.file, some.results), options)).toThrow(message)
  })
})

describe("slices", () => {
  test("a slice's figures are those of its images alone", () => {
    fc.assert(
      fc.property(scene, fc.subarray([1, 2, 3, 4, 5]), ({ file, results }, imageIds) => {
        const [slice] = evaluateSlices(matchedOf(file, results), [{ name: "some", imageIds }])
        const chosen = new Set(imageIds)
        const truths = truthsFromCoco({
          ...file,
          images: file.images.filter(({ id }) => chosen.has(id)),
          annotations: file.annotations.filter((one) => chosen.has(one.image_id)),
        })
        const alone = evaluate(
          truths,
          detectionsFromCoco(
            truths,
            results.filter((one) => chosen.has(one.image_id)),
          ),
        )
        expect(slice!.coco).toEqual(alone.coco)
        expect([slice!.images, slice!.truths]).toEqual([imageIds.length, alone.truths - alone.ignored])
      }),
      { numRuns: 200 },
    )
  })

  const named = truthsFromCoco({
    images: [
      { id: 1, file_name: "day/a.jpg", width: 10, height: 10 },
      { id: 2, file_name: "night/b.jpg", width: 20, height: 20 },
      { id: 3, file_name: "c.jpg", width: 30, height: 30 },
      { id: 4, file_name: "day/d.jpg" },
    ],
    categories: [],
    annotations: [],
  })

  test("images are sliced by folder, by size and by a file", () => {
    expect(slicesByFolder(named)).toEqual([
      { name: ".", imageIds: [3] },
      { name: "day", imageIds: [1, 4] },
      { name: "night", imageIds: [2] },
    ])
    expect(slicesBySize(named)).toEqual([
      { name: "small images", imageIds: [1] },
      { name: "medium images", imageIds: [2] },
      { name: "large images", imageIds: [3] },
      { name: "images of unknown size", imageIds: [4] },
    ])
    expect(slicesFromFile(named, { two: ["a.jpg", 3] }, "slices.json")).toEqual([{ name: "two", imageIds: [1, 3] }])
  })

  test.each([
    [[], 'slices.json: expected an object of slices: {"night": ["a.jpg", "b.jpg"]}'],
    [{ night: 1 }, 'slices.json: slice "night": expected a list of image names or ids'],
    [{ night: ["z"] }, 'slices.json: slice "night": image "z" is not among the 4 images of the ground truth.'],
  ])("%j is refused in one line", (content, message) => {
    expect(() => slicesFromFile(named, content, "slices.json")).toThrow(message)
  })
})

describe("calibration", () => {
  test("the error is the mean distance between score and precision", () => {
    const here: Xywh = [0, 0, 50, 50]
    const file = truthFile(
      [1, 2, 3, 4].map((one) => ({ box: here, image: one })),
      4,
    )
    const away: Xywh = [200, 200, 50, 50]
    const results = [result(here, 0.9, 1), result(here, 0.9, 2), result(away, 0.9, 3), result(away, 0.2, 4)]
    const { ece, mce, bins } = calibration(matchedOf(file, results))
    expect(bins[9]).toMatchObject({ from: 0.9, to: 1, detections: 3, precision: 2 / 3 })
    expect(bins[9]!.confidence).toBeCloseTo(0.9, 12)
    expect(ece).toBeCloseTo((3 / 4) * (0.9 - 2 / 3) + 0.2 / 4, 12)
    expect(mce).toBeCloseTo(0.9 - 2 / 3, 12)
    expect(bins[5]).toMatchObject({ detections: 0, confidence: Number.NaN, precision: Number.NaN })
    expect(calibration(matchedOf(file, [result(here, 1, 1)])).bins[9]).toMatchObject({ detections: 1, precision: 1 })
    expect(calibration(matchedOf(file, [])).ece).toBeNaN()
  })

  test("a larger beta asks for a lower threshold; beta 1 gives the report's", () => {
    fc.assert(
      fc.property(scene, ({ file, results }) => {
        const matched = matchedOf(file, results)
        const score = (beta: number) => fBetaThresholds(matched, beta).overall?.score ?? 0
        expect(score(2)).toBeLessThanOrEqual(score(1))
        expect(score(1)).toBeLessThanOrEqual(score(0.5) || 1)
        expect(fBetaThresholds(matched, 1).overall).toEqual(evaluate(matched.truths, matched.detections).bestThreshold)
      }),
      { numRuns: 100 },
    )
  })
})

/** Objects on a grid, and a detector that mostly finds them. */
function simulated(seed: number, skill: number, images = 40) {
  const random = seededRandom(seed)
  const truths: (TruthCase & { image: number; category: number; box: Xywh })[] = []
  const results: PlainResult[] = []
  for (let i = 1; i <= images; i++) {
    for (let cell = 0; cell < 6; cell++) {
      const at: Xywh = [(cell % 3) * 120, Math.floor(cell / 3) * 120, 60 + random.integer(30), 60 + random.integer(30)]
      const kind = 1 + random.integer(CLASSES)
      truths.push({ box: at, image: i, category: kind })
      if (random.uniform() > skill) continue
      const near = at.map((v, edge) => v + random.normal() * (edge < 2 ? 2 : 1)) as unknown as Xywh
      results.push(result(near, 0.6 + 0.4 * random.uniform(), i, random.uniform() < 0.95 ? kind : 1 + (kind % CLASSES)))
    }
    if (random.uniform() < 0.5) results.push(result([400, 300, 50, 50], 0.7 * random.uniform(), i, 1))
  }
  return { truths, results, images }
}

test("the report has what was asked for, from its own matches, and nothing else", () => {
  const [one] = fc.sample(scene, { numRuns: 1, seed: 7 })
  const matched = matchedOf(one!.file, one!.results)
  const { truths, detections } = matched
  const asked = { intervals: { samples: 20 }, slices: slicesByFolder, calibration: true, suspects: 5 }
  const report = evaluate(truths, detections, asked)
  expect(report).toMatchObject({
    intervals: bootstrapAp(matched, { samples: 20 }),
    slices: evaluateSlices(matched, slicesByFolder(truths)),
    calibration: calibration(matched),
    suspects: labelSuspects([matched], 5),
  })
  const { intervals, slices, calibration: _, suspects, ...rest } = report
  expect(evaluate(truths, detections)).toEqual(rest)
})

describe("compare", () => {
  const good = simulated(1, 0.9)
  const file = truthFile(good.truths, good.images, CLASSES)
  const truths = truthsFromCoco(file)
  const a = detectionsFromCoco(truths, good.results)

  test("a detector is neither better nor worse than itself", () => {
    const same = compareDetections(truths, a, a, { samples: 100 })
    expect(same.verdict).toBe("noise")
    expect(same.AP).toMatchObject({ value: 0, low: 0, high: 0 })
    expect([same.worse, same.better]).toEqual([[], []])
    expect(same.difference).toMatchObject({ AP: 0, AR100: 0 })
  })

  test("one that loses a third of what it found is clearly worse, and the other way round better", () => {
    const fewer = detectionsFromCoco(
      truths,
      good.results.filter((_, i) => i % 3 !== 0),
    )
    const worse = compareDetections(truths, a, fewer, { samples: 200 })
    expect(worse.verdict).toBe("a is better")
    expect(worse.AP.value).toBeCloseTo(worse.b.AP - worse.a.AP, 10)
    expect(worse.worse.length).toBeGreaterThan(worse.better.length)
    expect(worse.classes.every(({ change }) => change.value < 0)).toBe(true)
    expect(compareDetections(truths, fewer, a, { samples: 200 }).verdict).toBe("b is better")
  })

  test("one lost detection is noise", () => {
    const fewer = detectionsFromCoco(truths, good.results.slice(1))
    expect(compareDetections(truths, a, fewer, { samples: 200 }).verdict).toBe("noise")
  })
})

describe("suspects", () => {
  /** Ten labels taken away and ten given another class. */
  function spoiled(seed: number) {
    const { truths, results, images } = simulated(seed, 0.95)
    const random = seededRandom(seed + 100)
    const places = truths.map((_, i) => i)
    const spoilt = Array.from({ length: 20 }, () => places.splice(random.integer(places.length), 1)[0]!)
    const [removed, changed] = [new Set(spoilt.slice(0, 10)), new Set(spoilt.slice(10))]
    const labels = truths.flatMap((one, i) => {
      if (removed.has(i)) return []
      return [changed.has(i) ? { ...one, category: 1 + (one.category % CLASSES) } : one]
    })
    const isSpoilt = (imageId: number, [x, y]: readonly number[]) =>
      spoilt.some((i) => {
        const { image: at, box: where } = truths[i]!
        return at === imageId && Math.hypot(where[0] - x!, where[1] - y!) < 30
      })
    return { file: truthFile(labels, images, CLASSES), results, isSpoilt }
  }

  test.each([1, 2, 3])("most of 20 spoilt labels are among the first 40 suspects (seed %i)", (seed) => {
    const { file, results, isSpoilt } = spoiled(seed)
    const suspects = labelSuspects([matchedOf(file, results)], 40)
    const hits = suspects.filter(({ imageId, bbox }) => isSpoilt(Number(imageId), bbox))
    expect(hits.length).toBeGreaterThanOrEqual(15)
    expect(suspects.every((one, i) => i === 0 || one.suspicion <= suspects[i - 1]!.suspicion)).toBe(true)
  })

  test("a suspect says what is labelled and what was found", () => {
    const boxes = [1, 2, 3, 4, 5].map((at) => ({ box: [0, 0, 50, 50] as Xywh, image: at, category: 1 }))
    const results = boxes.map(({ box: at, image: here }) => result(at, 0.9, here))
    const missing = labelSuspects([matchedOf(truthFile(boxes.slice(1), 5, 2), results)])
    expect(missing).toEqual([
      {
        kind: "missing",
        imageId: 1,
        imageName: "image 1",
        bbox: [0, 0, 50, 50],
        truthId: undefined,
        labelled: undefined,
        found: "class 1",
        score: 0.9,
        suspicion: 5 / 7,
      },
    ])
    const wrong = boxes.map((one, i) => (i === 0 ? { ...one, category: 2 } : one))
    const [suspect] = labelSuspects([matchedOf(truthFile(wrong, 5, 2), results)])
    expect(suspect).toMatchObject({ kind: "class", truthId: 1, labelled: "class 2", found: "class 1" })
    const [spurious] = labelSuspects([matchedOf(truthFile(boxes, 5, 2), results.slice(1))])
    expect(spurious).toMatchObject({ kind: "spurious", truthId: 1, labelled: "class 1", found: undefined })
  })

  test("a part of a labelled object is no object without a label", () => {
    const boxes = Array.from({ length: 5 }, (_, i) => ({ box: [0, 0, 60, 60] as Xywh, image: i + 1 }))
    const found = boxes.map(({ box, image }) => result(box, 0.9, image))
    const suspectsOf = (category: number) => {
      const part = result([20, 20, 25, 25], 0.95, 1, category)
      const others = boxes.map(({ image }) => result([200, 200, 60, 60], 0.9, image, 2))
      const truths = [...boxes, ...boxes.map(({ image }) => ({ box: [200, 200, 60, 60] as Xywh, image, category: 2 }))]
      const matched = matchedOf(truthFile(truths, 5, 2), [part, ...found, ...others])
      return labelSuspects([matched]).map(({ kind }) => kind)
    }
    expect(suspectsOf(1)).toEqual([])
    expect(suspectsOf(2)).toEqual(["missing"])
  })

  test("what one of two detectors suspects counts half", () => {
    const { file, results } = spoiled(1)
    const matched = matchedOf(file, results)
    const nothing = matchedOf(file, [])
    const alone = labelSuspects([matched]).filter(({ kind }) => kind !== "spurious")
    const both = labelSuspects([matched, matched]).filter(({ kind }) => kind !== "spurious")
    expect(both).toHaveLength(alone.length)
    both.forEach((one, i) => {
      expect(one.suspicion).toBeCloseTo(alone[i]!.suspicion, 12)
    })
    const half = labelSuspects([matched, nothing]).filter(({ kind }) => kind !== "spurious")
    half.forEach((one, i) => {
      expect(one.suspicion).toBeCloseTo(alone[i]!.suspicion / 2, 12)
    })
  })
})
