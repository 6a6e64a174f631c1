import { expect, test } from "vitest"
import { asClasses, chooseClasses } from "../../datasets/choose-classes.js"
import { datasetFromSamples } from "../../datasets/dataset-from-samples.js"
import { UsageError } from "../../src/core/errors.js"

const image = { data: new Uint8Array(3 * 40 * 60), height: 40, width: 60 }
const set = await datasetFromSamples(
  [
    {
      image,
      boxes: [
        [0, 0, 10, 10],
        [5, 5, 30, 40],
        [1, 2, 3, 4],
      ],
      labels: ["cat", "dog", "fox"],
    },
    { image, boxes: [[0, 0, 9, 9]], labels: ["dog"] },
  ],
  { classes: ["cat", "dog", "fox"] },
)
const objects = ({ images, classes }: typeof set) =>
  images.map(({ boxes, labels }) =>
    Array.from(labels, (label, i) => [classes[label - 1], ...boxes.subarray(4 * i, 4 * i + 4)]),
  )

test("the classes asked for keep their objects and the data's order, the others' images become background", () => {
  const chosen = chooseClasses(set, { classes: ["fox", "cat"] })
  expect(chosen.classes).toEqual(["cat", "fox"])
  expect(chosen.categoryIds).toEqual([1, 3])
  expect(objects(chosen)).toEqual([
    [
      ["cat", 0, 0, 10, 10],
      ["fox", 1, 2, 3, 4],
    ],
    [],
  ])
  for (const { labels, crowd, difficult, areas, boxes } of chosen.images) {
    expect([crowd.length, difficult.length, areas.length, boxes.length / 4]).toEqual(new Array(4).fill(labels.length))
  }
  expect([...chosen.images[0]!.areas]).toEqual([100, 4])
})

test("as a single class all objects, or those asked for, are objects", () => {
  expect(objects(chooseClasses(set, { singleClass: true })).map((own) => own.map(([name]) => name))).toEqual([
    ["object", "object", "object"],
    ["object"],
  ])
  const chosen = chooseClasses(set, { classes: ["dog"], singleClass: true })
  expect(objects(chosen)).toEqual([[["object", 5, 5, 30, 40]], [["object", 0, 0, 9, 9]]])
})

test("without a choice the data stay what they are; a class that is not there is refused with the nearest name", () => {
  expect(chooseClasses(set, {})).toBe(set)
  expect(() => chooseClasses(set, { classes: ["dog", "cot"] })).toThrow(UsageError)
  expect(() => chooseClasses(set, { classes: ["dog", "cot"] })).toThrow(
    /"cot"\. Did you mean "cat"\? They are cat, dog, fox$/,
  )
})

test("with a detector's classes labels follow the names; what it does not know is a fault, what is not there has no objects", () => {
  const asked = asClasses(set, ["owl", "dog", "cat"])
  expect(asked.classes).toEqual(["owl", "dog", "cat"])
  expect(asked.categoryIds).toEqual([4, 2, 1])
  expect(objects(asked)).toEqual([
    [
      ["cat", 0, 0, 10, 10],
      ["dog", 5, 5, 30, 40],
    ],
    [["dog", 0, 0, 9, 9]],
  ])
  expect(asked.faults).toMatchObject([
    { kind: "unknown-class", object: 2, message: expect.stringMatching(/^"fox" is not/) },
  ])
  expect(asClasses(set, ["cat", "dog", "fox"])).toBe(set)
})
