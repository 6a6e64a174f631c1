import fc from "fast-check"
import { expect, test } from "vitest"
import { evaluateCoco } from "../../src/eval/coco.js"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { byScore, counting, groupBy } from "../../src/eval/order.js"
import { evaluate } from "../../src/eval/report.js"
import { evaluateVoc } from "../../src/eval/voc.js"
import { type PlainFile, type PlainResult, result, truthFile, type Xywh } from "./support/cases.js"

const IMAGES = 4
const CLASSES = 3
const box = fc.tuple(
  ...[40, 40, 12, 12].map((most, i) => fc.integer({ min: i < 2 ? 0 : 1, max: most })),
) as fc.Arbitrary<[number, number, number, number]>
const image = fc.integer({ min: 1, max: IMAGES })
const category = fc.integer({ min: 1, max: CLASSES })
const truth = fc.record({ box, image, category, crowd: fc.constantFrom(false, false, false, true) })
const score = fc.oneof(fc.constantFrom(0.25, 0.5), fc.double({ min: 0, max: 1, noNaN: true }))
const detection = fc.tuple(box, score, image, category).map(([b, s, i, c]) => result(b, s, i, c))
const scene = fc.record({
  file: fc.array(truth, { minLength: 1, maxLength: 14 }).map((truths) => truthFile(truths, IMAGES, CLASSES)),
  results: fc.array(detection, { maxLength: 25 }),
})

function measure(file: PlainFile, results: readonly PlainResult[]) {
  const truths = truthsFromCoco(file)
  const detections = detectionsFromCoco(truths, results)
  const [voc] = evaluateVoc(truths, detections)
  return { coco: evaluateCoco(truths, detections), voc: voc! }
}

/** Bit for bit; quicker than toEqual on 100,000 numbers. */
function same(a: Float64Array, b: Float64Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer))
}

test("the order of images, categories and lists does not matter where scores differ", () => {
  fc.assert(
    fc.property(scene, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), ({ file, results }, keys) => {
      const distinct = results.map((one, i) => ({ ...one, score: (i + 1) / 100 }))
      const shuffle = <T>(items: readonly T[]): T[] =>
        items
          .map((item) => ({ item, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ item }) => item)
      const before = measure(file, distinct)
      const mixed = { ...file, images: shuffle(file.images), categories: shuffle(file.categories) }
      const after = measure(mixed, shuffle(distinct))
      expect(same(after.coco.precision, before.coco.precision)).toBe(true)
      expect(after.coco.stats).toEqual(before.coco.stats)
      expect(after.voc).toEqual(before.voc)
    }),
    { numRuns: 100 },
  )
})

test("images renumbered in the same order, and classes renumbered in any order, keep their numbers", () => {
  fc.assert(
    fc.property(scene, ({ file, results }) => {
      const newImage = (id: number) => id * 1000 + 7
      const newClass = (id: number) => 90 - 11 * id
      const renumbered = {
        images: file.images.map((one) => ({ ...one, id: newImage(one.id) })),
        categories: file.categories.map((one) => ({ ...one, id: newClass(one.id) })),
        annotations: file.annotations.map((one) => ({
          ...one,
          image_id: newImage(one.image_id),
          category_id: newClass(one.category_id),
        })),
      }
      const moved = results.map((one) => ({
        ...one,
        image_id: newImage(one.image_id),
        category_id: newClass(one.category_id),
      }))
      const [before, after] = [measure(file, results), measure(renumbered, moved)]
      for (const [i, value] of before.coco.stats.entries()) expect(after.coco.stats[i]).toBeCloseTo(value, 12)
    }),
    { numRuns: 100 },
  )
})

test("equal scores within one image may change places across classes", () => {
  fc.assert(
    fc.property(scene, ({ file, results }) => {
      const equal = results.map((one) => ({ ...one, score: 0.5 }))
      const byClass = [...equal].sort((a, b) => b.category_id - a.category_id)
      expect(same(measure(file, byClass).coco.precision, measure(file, equal).coco.precision)).toBe(true)
    }),
    { numRuns: 100 },
  )
})

test("a false positive below all others never raises AP", () => {
  fc.assert(
    fc.property(scene, image, category, ({ file, results }, i, c) => {
      const far = result([5000, 5000, 10, 10], -1, i, c)
      const [before, after] = [measure(file, results), measure(file, [...results, far])]
      expect(after.coco.precision.every((value, n) => value <= before.coco.precision[n]!)).toBe(true)
      expect(after.voc.voc07 > before.voc.voc07 || after.voc.voc12 > before.voc.voc12).toBe(false)
    }),
    { numRuns: 100 },
  )
})

test("truths as predictions give AP 1 and no errors", () => {
  const apart = fc.uniqueArray(fc.record({ cell: fc.integer({ min: 0, max: 30 }), image, category }), {
    minLength: 1,
    maxLength: 20,
    selector: ({ cell, image: i }) => `${cell} ${i}`,
  })
  fc.assert(
    fc.property(apart, (objects) => {
      const placed = objects.map((one) => ({ ...one, box: [one.cell * 50, 3, 40, 40] as Xywh }))
      const file = truthFile(placed, IMAGES, CLASSES)
      const results = placed.map((one) => result(one.box, 0.5, one.image, one.category))
      const truths = truthsFromCoco(file)
      const report = evaluate(truths, detectionsFromCoco(truths, results))
      expect(report.coco.AP).toBeCloseTo(1, 12)
      expect(report.coco.AR100).toBe(1)
      expect(report.voc[0]!.voc07).toBeCloseTo(1, 12)
      expect(report.voc[0]!.voc12).toBe(1)
      expect(Object.values(report.errors!.gain)).toEqual([0, 0, 0, 0, 0, 0])
      expect(report.bestThreshold).toEqual({ score: 0.5, precision: 1, recall: 1, f1: 1 })
    }),
    { numRuns: 100 },
  )
})

test("sorting by score is the stable sort of the language", () => {
  const any = fc.oneof(score, fc.constantFrom(0, -0, 1e-300, -5, 1e300), fc.double({ noNaN: true }))
  fc.assert(
    fc.property(fc.array(any, { maxLength: 60 }), (values) => {
      const scores = Float64Array.from(values)
      const expected = values
        .map((_, i) => i)
        .sort((a, b) => (values[b]! > values[a]! ? 1 : values[b]! < values[a]! ? -1 : 0))
      expect([...byScore(counting(values.length), scores)]).toEqual(expected)
    }),
  )
})

test("grouping keeps the order within a group and leaves out negative groups", () => {
  const { order, starts } = groupBy(Int32Array.of(3, 0, 1, 2), Int32Array.of(1, -1, 0, 1), 3)
  expect([...order]).toEqual([2, 3, 0])
  expect([...starts]).toEqual([0, 1, 3, 3])
})

test("scores are sorted like by a stable sort, lists of any length, 0 and -0 alike", () => {
  const some = fc.oneof(
    fc.constantFrom(0, -0, 0.5, -1, 1e-300),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }),
  )
  fc.assert(
    fc.property(fc.array(some, { maxLength: 120, size: "max" }), (values) => {
      const expected = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b)
      expect([...byScore(counting(values.length), Float64Array.from(values))]).toEqual(expected)
    }),
    { numRuns: 300 },
  )
})

test("VOC takes equal scores in the order of the table, whatever the order of its images", () => {
  const here: Xywh = [0, 0, 20, 20]
  const away: Xywh = [100, 100, 20, 20]
  const truths = truthsFromCoco(truthFile([{ box: here, image: 1 }], 2))
  const ap = (results: readonly PlainResult[]) => evaluateVoc(truths, detectionsFromCoco(truths, results))[0]!.voc12
  expect(ap([result(away, 0.5, 2), result(here, 0.5, 1)])).toBe(0.5)
  expect(ap([result(here, 0.5, 1), result(away, 0.5, 2)])).toBe(1)
})
