import { expect, test } from "vitest"
import type { LabelledSet } from "../../datasets/labelled-set.js"
import { scoreSet } from "../../src/classify/evaluate.js"
import type { Scorer } from "../../src/classify/scorer.js"
import { DataError } from "../../src/core/errors.js"
import { peersOf } from "../support/peers.js"

/** Images of one pixel whose red is their number; those in `broken` cannot be read. */
function fakeSet(count: number, broken: ReadonlyMap<number, Error> = new Map(), classes = ["cat", "dog"]) {
  const asked: number[] = []
  const set: LabelledSet = {
    format: "folder",
    source: "pets",
    split: "val",
    classes,
    labels: Int32Array.from({ length: count }, (_, i) => i % classes.length),
    name: (index) => `${index}.png`,
    async image(index) {
      asked.push(index)
      const error = broken.get(index)
      if (error) throw error
      return { data: Uint8Array.of(index, 0, 0), height: 1, width: 1 }
    },
    faults: [],
  }
  return { set, asked }
}

/** Scores an image by its number. */
function fakeScorer(classes = ["cat", "dog"]): Scorer & { readonly batches: number[] } {
  const batches: number[] = []
  return {
    classes,
    isNumbered: false,
    batches,
    async score(images) {
      batches.push(images.length)
      return Float32Array.from(images.flatMap(({ data }) => [data[0]!, -data[0]!]))
    },
    dispose() {},
  }
}

test("every image is scored, in order and in batches", async () => {
  const scorer = fakeScorer()
  const done: number[] = []
  const { set } = fakeSet(5)
  const { scores, labels, images, failed } = await scoreSet(set, scorer, { batch: 2, onImages: (n) => done.push(n) })
  expect([...scores]).toEqual([0, -0, 1, -1, 2, -2, 3, -3, 4, -4])
  expect([[...labels], [...images], failed]).toEqual([[0, 1, 0, 1, 0], [0, 1, 2, 3, 4], []])
  expect([scorer.batches, done]).toEqual([
    [2, 2, 1],
    [2, 4, 5],
  ])
})

test("an image that cannot be read is told and left out", async () => {
  const broken = new Map([1, 2, 3].map((index) => [index, new DataError(`${index}.png: not an image`)] as const))
  const scored = await scoreSet(fakeSet(6, broken).set, fakeScorer(), { batch: 2 })
  expect([...scored.scores]).toEqual([0, -0, 4, -4, 5, -5])
  expect([[...scored.labels], [...scored.images]]).toEqual([
    [0, 0, 1],
    [0, 4, 5],
  ])
  expect(scored.failed[0]).toEqual({ name: "1.png", message: "1.png: not an image" })
  expect(scored.failed.map(({ name }) => name)).toEqual(["1.png", "2.png", "3.png"])
})

test("a bug in reading is thrown, not counted as a broken image", async () => {
  const { set } = fakeSet(3, new Map([[1, new TypeError("a bug")]]))
  await expect(scoreSet(set, fakeScorer(), { batch: 2 })).rejects.toThrow(TypeError)
})

test("no more than two batches are read ahead, and an aborted run stops reading", async () => {
  const { set, asked } = fakeSet(100)
  const controller = new AbortController()
  const scorer = fakeScorer()
  const score = scorer.score
  scorer.score = (images) => {
    expect(asked.length).toBeLessThanOrEqual(4 * (scorer.batches.length + 2))
    if (scorer.batches.length === 2) controller.abort()
    return score(images)
  }
  const { labels } = await scoreSet(set, scorer, { batch: 4, signal: controller.signal })
  expect(labels.length).toBe(12)
  expect(asked.length).toBe(16)
})

test("other classes are refused, unless the classifier has only numbers for them", async () => {
  const { set } = fakeSet(2)
  await expect(scoreSet(set, fakeScorer(["cat", "cow"]), { batch: 2 })).rejects.toThrow(
    'pets: class 1 is "dog", but "cow" in the classifier. Rename one of them',
  )
  await expect(scoreSet(set, fakeScorer(["0", "1", "2"]), { batch: 2 })).rejects.toThrow(
    "pets: has 2 classes, the classifier has 3",
  )
  const numbered = { ...fakeScorer(["0", "1"]), isNumbered: true }
  expect((await scoreSet(set, numbered, { batch: 2 })).labels.length).toBe(2)
})

test.each([2, 3])(
  "%d processes share a set out in the batches of one, and all have every score in its place",
  async (size) => {
    const broken = new Map([[4, new DataError("4.png: broken")]])
    const alone = await scoreSet(fakeSet(9, broken).set, fakeScorer(), { batch: 2 })
    const scorers = peersOf(size).map((peers) => ({ peers, scorer: fakeScorer() }))
    const shared = await Promise.all(
      scorers.map(({ peers, scorer }) => scoreSet(fakeSet(9, broken).set, scorer, { batch: 2, peers })),
    )
    for (const scored of shared) expect(scored).toEqual(alone)
    expect(scorers.flatMap(({ scorer }) => scorer.batches).sort()).toEqual([1, 1, 2, 2, 2])
  },
)
