import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import {
  evaluateOpenImages,
  type OpenImagesHierarchy,
  type OpenImagesOptions,
  openImagesParents,
} from "../../src/eval/open-images.js"
import { type PlainFile, type PlainResult, result, truthFile, type Xywh } from "./support/cases.js"

interface Expected {
  readonly mAP: number | null
  readonly AP: readonly (number | null)[]
}

const file = process.env.RESDET_GOLDEN_OPEN_IMAGES ?? new URL("../golden/eval/open-images-random.json", import.meta.url)
const golden = JSON.parse(readFileSync(file, "utf8")) as {
  cases: {
    seed: number
    truths: PlainFile
    results: PlainResult[]
    parents: Record<string, number | null>
    hierarchy: OpenImagesHierarchy
    expected: { challenge: Expected; expanded: Expected; v2: Expected }
  }[]
}

test.each(golden.cases)("figures are the TensorFlow Object Detection API's to the last bit (case $seed)", (one) => {
  const truths = truthsFromCoco(one.truths)
  const detections = detectionsFromCoco(truths, one.results)
  const parents = new Map(
    Object.entries(one.parents).flatMap(([id, parent]) => (parent === null ? [] : [[Number(id), [parent]] as const])),
  )
  const figures = (options: Partial<OpenImagesOptions>): Expected => {
    const { mAP, perClass } = evaluateOpenImages(truths, detections, options)
    const none = (value: number) => (Number.isNaN(value) ? null : value)
    return { mAP: none(mAP), AP: perClass.map(({ AP }) => none(AP)) }
  }
  expect(figures({})).toEqual(one.expected.challenge)
  expect(figures({ parents })).toEqual(one.expected.expanded)
  expect(figures({ groupOfWeight: 0, verifiedOnly: false })).toEqual(one.expected.v2)
})

test("the published hierarchy says which class is above which", () => {
  for (const { hierarchy, parents } of golden.cases) {
    const ids = Object.keys(parents).map(Number)
    const table = { categoryIds: Float64Array.from(ids), categoryNames: ids.map(String) }
    const expected = Object.entries(parents).filter(([, parent]) => parent !== null)
    expect([...openImagesParents(hierarchy, table)].sort()).toEqual(
      expected.map(([id, parent]) => [Number(id), [parent]]).sort(),
    )
  }
})

const group: Xywh = [0, 0, 100, 100]
const inside: Xywh = [10, 10, 20, 20]
const away: Xywh = [300, 300, 20, 20]

test("detections inside of a group-of box are one found object, or none with weight 0", () => {
  const truths = truthsFromCoco(truthFile([{ box: group, crowd: true }, { box: away }]))
  const detections = detectionsFromCoco(truths, [result(inside, 0.9), result([20, 20, 9, 9], 0.8), result(away, 0.7)])
  const { mAP, perClass } = evaluateOpenImages(truths, detections)
  expect([mAP, perClass[0]!.truths]).toEqual([1, 2])
  expect(evaluateOpenImages(truths, detections, { groupOfWeight: 0 })).toMatchObject({
    mAP: 1,
    perClass: [{ truths: 1 }],
  })
})

test("an unknown option is refused in one line", () => {
  const truths = truthsFromCoco(truthFile([{ box: away }]))
  const options = { groupWeight: 1 } as Partial<OpenImagesOptions>
  expect(() => evaluateOpenImages(truths, detectionsFromCoco(truths, []), options)).toThrow(
    'evaluateOpenImages: unknown option "groupWeight".',
  )
})

test("what is absent makes all below it absent: a detection there is wrong, elsewhere it is not judged", () => {
  const { images, ...rest } = truthFile([{ box: away, image: 1, category: 2 }], 2, 2)
  const found = [result(away, 0.9, 2, 2), result(away, 0.8, 1, 2)]
  const ap = (negative: readonly number[]) => {
    const marked = images.map((one) => (one.id === 2 ? { ...one, neg_category_ids: negative } : one))
    const truths = truthsFromCoco({ ...rest, images: marked })
    const { perClass } = evaluateOpenImages(truths, detectionsFromCoco(truths, found), { parents: new Map([[2, [1]]]) })
    return perClass[1]!.AP
  }
  expect(ap([])).toBe(1)
  expect(ap([1])).toBe(0.5)
})
