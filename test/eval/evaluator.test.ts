import fc from "fast-check"
import { expect, test } from "vitest"
import type { Detections } from "../../src/boxes/boxes.js"
import { DetectionEvaluator } from "../../src/eval/evaluator.js"
import type { TruthImage, TruthSet } from "../../src/eval/records.js"
import { evaluateDetections } from "../../src/eval/report.js"

const CLASSES = ["a", "b", "c"]
const IDS = [7, 3, 2 ** 33]
const edge = fc.integer({ min: 0, max: 60 })
const side = fc.integer({ min: 1, max: 40 })
const box = fc.tuple(edge, edge, side, side).map(([x, y, w, h]) => [x, y, x + w, y + h])
const truth = fc.record({
  box,
  label: fc.integer({ min: 1, max: 3 }),
  crowd: fc.constantFrom(0, 0, 0, 1),
  difficult: fc.constantFrom(0, 0, 0, 1),
})
const score = fc.constantFrom(0.1, 0.25, 0.5, 0.5, 0.9)
// Label 4 is a class that the data set lacks.
const detection = fc.record({ box, label: fc.integer({ min: 1, max: 4 }), score })

interface Scene {
  readonly set: TruthSet
  readonly perImage: readonly Detections[]
}

const scene: fc.Arbitrary<Scene> = fc
  .uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 6 })
  .chain((ids) =>
    fc.record({
      ids: fc.constant(ids),
      truths: fc.tuple(...ids.map(() => fc.array(truth, { maxLength: 5 }))),
      found: fc.tuple(...ids.map(() => fc.array(detection, { maxLength: 12 }))),
    }),
  )
  .map(({ ids, truths, found }) => ({
    set: {
      classes: CLASSES,
      categoryIds: IDS,
      images: ids.map((imageId, i): TruthImage => {
        const here = truths[i]!
        return {
          id: `image ${imageId}`,
          imageId,
          width: 100,
          height: 100,
          boxes: Float64Array.from(here.flatMap((one) => one.box)),
          labels: Int32Array.from(here, ({ label }) => label),
          crowd: Uint8Array.from(here, ({ crowd }) => crowd),
          difficult: Uint8Array.from(here, ({ difficult }) => difficult),
          areas: Float64Array.from(here, ({ box: [x1, y1, x2, y2] }) => (x2! - x1!) * (y2! - y1!)),
        }
      }),
    },
    perImage: found.map((here) => ({
      boxes: Float32Array.from(here.flatMap((one) => one.box)),
      scores: Float32Array.from(here, (one) => one.score),
      labels: Int32Array.from(here, ({ label }) => label),
    })),
  }))

const shuffled = (count: number, keys: readonly number[]) =>
  [...Array(count).keys()].sort((a, b) => keys[a % keys.length]! - keys[b % keys.length]! || b - a)
const keys = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 6 })

test("images added one by one, in any order, give the report of all at once", () => {
  fc.assert(
    fc.property(scene, keys, ({ set, perImage }, some) => {
      const evaluator = DetectionEvaluator.of(set)
      for (const i of shuffled(set.images.length, some)) evaluator.addImage(set.images[i]!.imageId, perImage[i]!)
      expect(evaluator.report()).toEqual(evaluateDetections(set, perImage))
    }),
    { numRuns: 300 },
  )
})

test("evaluators of parts of the images merge to the report of all, also by way of their states", () => {
  fc.assert(
    fc.property(scene, keys, fc.integer({ min: 1, max: 3 }), ({ set, perImage }, some, parts) => {
      const evaluators = Array.from({ length: parts }, () => DetectionEvaluator.of(set))
      for (const i of shuffled(set.images.length, some)) {
        evaluators[i % parts]!.addImage(set.images[i]!.imageId, perImage[i]!)
      }
      const all = DetectionEvaluator.of(set)
      evaluators.forEach((one, i) => {
        all.merge(i % 2 === 0 ? one : structuredClone(one.state()))
      })
      expect(all.report()).toEqual(evaluateDetections(set, perImage))
      expect(all.images).toBe(set.images.length)
    }),
    { numRuns: 200 },
  )
})

test("a report in between leaves the rest as it is", () => {
  fc.assert(
    fc.property(scene, ({ set, perImage }) => {
      const evaluator = DetectionEvaluator.of(set, { details: false })
      set.images.forEach(({ imageId }, i) => {
        evaluator.addImage(imageId, perImage[i]!)
        evaluator.report()
      })
      expect(evaluator.report()).toEqual(evaluateDetections(set, perImage, { details: false }))
    }),
    { numRuns: 50 },
  )
})

const empty: Detections = { boxes: new Float32Array(0), scores: new Float32Array(0), labels: new Int32Array(0) }
const image: TruthImage = {
  id: "one",
  imageId: 5,
  width: 10,
  height: 10,
  boxes: new Float64Array(0),
  labels: new Int32Array(0),
  crowd: new Uint8Array(0),
  difficult: new Uint8Array(0),
  areas: new Float64Array(0),
}
const set: TruthSet = { classes: CLASSES, categoryIds: IDS, images: [image] }

test.each([
  [
    "an unknown image",
    () => DetectionEvaluator.of(set).addImage(6, empty),
    "DetectionEvaluator: image 6 is not among the 1 images of the ground truth",
  ],
  [
    "an image added twice",
    () => {
      const evaluator = DetectionEvaluator.of(set)
      evaluator.addImage(5, empty)
      evaluator.addImage(5, empty)
    },
    "DetectionEvaluator: image 5 was added before",
  ],
  [
    "an image in two evaluators that merge",
    () => {
      const [one, other] = [DetectionEvaluator.of(set), DetectionEvaluator.of(set)]
      one.addImage(5, empty)
      other.addImage(5, empty)
      one.merge(other)
    },
    "DetectionEvaluator: image 5 was added before",
  ],
  [
    "a merge with an evaluator of other truths",
    () => DetectionEvaluator.of(set).merge(DetectionEvaluator.of({ ...set, images: [] })),
    "DetectionEvaluator: expected the state of an evaluator of 1 images, got one of 0",
  ],
])("%s is refused in one line", (_, call, message) => {
  expect(call).toThrow(message)
})

test("past the best 100 of an image and class nothing counts, as with all at once", () => {
  const count = 130
  const crowded: TruthImage = {
    ...image,
    boxes: Float64Array.of(0, 0, 50, 50),
    labels: Int32Array.of(1),
    crowd: Uint8Array.of(0),
    difficult: Uint8Array.of(0),
    areas: Float64Array.of(2500),
  }
  const perImage = [
    {
      // The worst of them is the right one.
      boxes: Float32Array.from(
        { length: count * 4 },
        (_, i) => (i < 4 ? [0, 0, 50, 50] : [200, 200, 240, 240])[i % 4]!,
      ),
      scores: Float32Array.from({ length: count }, (_, i) => i / count),
      labels: new Int32Array(count).fill(1),
    },
  ]
  const one = { ...set, images: [crowded] }
  const evaluator = DetectionEvaluator.of(one)
  evaluator.addImage(5, perImage[0]!)
  expect(evaluator.report()).toEqual(evaluateDetections(one, perImage))
  expect(evaluator.report().coco.AR100).toBe(0)
})

test("an image with a broken box is refused as a whole, and may be added again", () => {
  fc.assert(
    fc.property(scene, ({ set: data, perImage }) => {
      const evaluator = DetectionEvaluator.of(data)
      data.images.forEach(({ imageId }, i) => {
        const { boxes, scores, labels } = perImage[i]!
        const broken = {
          boxes: Float32Array.from([...boxes, 0, 0, -1, 1]),
          scores: Float32Array.from([...scores, 0.5]),
          labels: Int32Array.from([...labels, 1]),
        }
        expect(() => evaluator.addImage(imageId, broken)).toThrow("expected width and height of 0 or more")
        evaluator.addImage(imageId, perImage[i]!)
      })
      expect(evaluator.report()).toEqual(evaluateDetections(data, perImage))
    }),
    { numRuns: 50 },
  )
})
