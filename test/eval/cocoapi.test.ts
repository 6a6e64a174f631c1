import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { COCO, COCOeval, type CocoDataset, type CocoResult, type Params } from "../../src/eval/cocoapi/public.js"

interface Case {
  readonly seed: number
  readonly truths: CocoDataset
  readonly results: CocoResult[]
  readonly params: Partial<Params>
  readonly queries: readonly ["getAnnIds" | "getCatIds" | "getImgIds", Record<string, unknown>][]
  readonly expected: {
    readonly answers: unknown
    readonly counts: number[]
    readonly printed: string[]
    readonly evalImgs: unknown
    readonly results: unknown
    readonly precision: string
    readonly recall: string
    readonly scores: string
    readonly stats: string
  }
}

const golden = JSON.parse(readFileSync(new URL("../golden/eval/cocoapi-random.json", import.meta.url), "utf8")) as {
  cases: Case[]
}

const unpack = (packed: string) => gunzipSync(Buffer.from(packed, "base64"))
const bytesOf = (values: Float64Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)

function evaluationOf({ truths, results, params }: Pick<Case, "truths" | "results" | "params">): COCOeval {
  const coco = new COCO(truths)
  const evaluation = new COCOeval(coco, coco.loadRes(results))
  Object.assign(evaluation.params, params)
  evaluation.evaluate()
  evaluation.accumulate()
  return evaluation
}

test.each(golden.cases)("figures, arrays and lines are pycocotools' own (case $seed)", (one) => {
  const evaluation = evaluationOf(one)
  const { expected } = one
  const printed = evaluation.params.maxDets.length >= 3 ? evaluation.summarize().split("\n") : []
  expect(printed).toEqual(expected.printed)
  expect(evaluation.eval!.counts).toEqual(expected.counts)
  for (const name of ["precision", "recall", "scores"] as const) {
    expect(bytesOf(evaluation.eval![name]).equals(unpack(expected[name])), name).toBe(true)
  }
  expect(bytesOf(evaluation.stats).equals(unpack(expected.stats)), "stats").toBe(true)
  // Through JSON, which knows no undefined.
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value))
  expect(plain(evaluation.evalImgs.map((image) => image ?? null))).toEqual(expected.evalImgs)
})

test.each(golden.cases)(
  "queries and loaded results are pycocotools' own (case $seed)",
  ({ truths, results, queries, expected }) => {
    const coco = new COCO(truths)
    const answers = queries.map(([name, query]) => {
      const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== null))
      const ids = coco[name](given)
      return name === "getImgIds" ? ids.sort((a, b) => a - b) : ids
    })
    expect(answers).toEqual(expected.answers)
    const loaded = coco.loadRes(results)
    expect(loaded.loadAnns([...loaded.anns.keys()].slice(0, 3))).toEqual(expected.results)
  },
)

const [first] = golden.cases as [Case]
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

test("a file read as a stream, a blob or pieces is the file parsed", async () => {
  const bytes = encode(first.truths)
  const pieces = Array.from({ length: Math.ceil(bytes.length / 50) }, (_, i) => bytes.slice(i * 50, i * 50 + 50))
  for (const source of [pieces, new Blob([bytes]), new Blob([bytes]).stream() as ReadableStream<Uint8Array>]) {
    const coco = await COCO.read(source)
    expect(coco.dataset).toEqual(first.truths)
    const results = await coco.readRes([encode(first.results)])
    expect(results.dataset).toEqual(new COCO(first.truths).loadRes(first.results).dataset)
  }
})

test("info is what pycocotools prints", () => {
  expect(new COCO(first.truths).info()).toBe("year: 2026\ndescription: random")
})

test("loading results leaves the records as they are", () => {
  const results = [{ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], score: 1 }]
  new COCO({ images: [{ id: 1 }], categories: [{ id: 1 }] }).loadRes(results)
  expect(results).toEqual([{ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], score: 1 }])
})

const small: CocoDataset = {
  images: [{ id: 1 }],
  categories: [{ id: 1, name: "a" }],
  annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 10, 10] }],
}

test("without results every figure is 0, and an annotation without an area has that of its box", () => {
  const evaluation = evaluationOf({ truths: small, results: [], params: {} })
  evaluation.summarize()
  expect([...evaluation.stats.slice(0, 4)]).toEqual([0, 0, 0, 0])
  expect(evaluation.stats[4]).toBe(-1)
})

test.each([
  [
    "masks",
    () => new COCOeval(new COCO(), new COCO(), "segm"),
    'COCOeval: expected iouType "bbox", got "segm"; masks and keypoints are not evaluated',
  ],
  [
    "results that are masks alone",
    () => new COCO(small).loadRes([{ image_id: 1, category_id: 1, segmentation: {}, score: 1 }]),
    'loadRes: record 0: expected a bbox of four numbers; results of "segmentation" alone are not evaluated',
  ],
  [
    "results of an unknown image",
    () => new COCO(small).loadRes([{ image_id: 2, category_id: 1, bbox: [0, 0, 1, 1], score: 1 }]),
    "loadRes: record 0: image_id 2 is not among the 1 images",
  ],
  ["an unknown id", () => new COCO(small).loadAnns([7]), "COCO: annotation 7 is not among the 1 that there are"],
  [
    "figures before there are any",
    () => new COCOeval(new COCO(small), new COCO(small)).accumulate(),
    "COCOeval: call evaluate before accumulate",
  ],
  [
    "a summary of two limits",
    () => evaluationOf({ truths: small, results: [], params: { maxDets: [1, 10] } }).summarize(),
    "COCOeval: summarize needs three maxDets, as in pycocotools, got 2",
  ],
])("%s are refused in one line", (_, call, message) => {
  expect(call).toThrow(message)
})

test("a detection takes a counted ground truth before an ignored one that it overlaps more", () => {
  const truths: CocoDataset = {
    ...small,
    annotations: [
      { id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 10, 10] },
      { id: 2, image_id: 1, category_id: 1, bbox: [0, 0, 10, 8], iscrowd: 1 },
    ],
  }
  const results = [{ image_id: 1, category_id: 1, bbox: [0, 0, 10, 8], score: 1 }]
  const [image] = evaluationOf({ truths, results, params: {} }).evalImgs
  expect(image!.dtMatches[0]).toEqual([1])
  expect(image!.dtIgnore[0]).toEqual([false])
})

test.each([
  [
    [0.1, 0.9],
    [1, 0],
  ],
  // pycocotools stops at the first recall that is not reached.
  [
    [0.9, 0.1],
    [0, 0],
  ],
])("of two ground truths one is found: precision at recalls %j is %j", (recThrs, expected) => {
  const [one] = small.annotations!
  const truths = { ...small, annotations: [one!, { ...one!, id: 2, bbox: [100, 0, 10, 10] }] }
  const results = [{ image_id: 1, category_id: 1, bbox: [0, 0, 10, 10], score: 0.5 }]
  const { counts, precision } = evaluationOf({ truths, results, params: { recThrs } }).eval!
  const [, R, K, A, M] = counts
  const at = (r: number) => precision[r * K * A * M + M - 1]!
  expect(Array.from({ length: R }, (_, r) => Math.round(at(r)))).toEqual(expected)
})

test("recalls may come in any order", () => {
  const [one] = small.annotations!
  const truths = { ...small, annotations: [one!, { ...one!, id: 2, bbox: [100, 0, 10, 10] }] }
  const boxes = [
    [0, 0, 10, 10],
    [300, 0, 10, 10],
    [100, 0, 10, 10],
  ]
  const results = boxes.map((bbox, i) => ({ image_id: 1, category_id: 1, bbox, score: 0.9 - i / 10 }))
  const { counts, precision } = evaluationOf({ truths, results, params: { recThrs: [1, 0.1] } }).eval!
  const [, , K, A, M] = counts
  expect(precision[M - 1]).toBeCloseTo(2 / 3, 12)
  expect(precision[K * A * M + M - 1]).toBeCloseTo(1, 12)
})
