import { expect, test } from "vitest"
import { weightClasses } from "../../src/tasks/training/class-weights.js"

const image = (labels: readonly number[], crowd = labels.map(() => 0)) => ({
  ...{ id: "a", imageId: 1, file: "a.jpg", width: 9, height: 9, boxes: new Float64Array(4 * labels.length) },
  ...{ labels: Int32Array.from(labels), crowd: Uint8Array.from(crowd) },
  ...{ difficult: new Uint8Array(labels.length), areas: new Float64Array(labels.length) },
})
const data = {
  classes: ["cat", "dog", "a=b", "cow"],
  source: "pets",
  images: [image([1, 1, 1, 1, 2]), image([1, 3, 3, 2], [0, 0, 0, 1])],
}

function weigh(...asked: string[]) {
  const said: string[] = []
  return { weights: weightClasses(asked, data, (line) => said.push(line)), said }
}

test("balanced weights make each class count alike, and are said once", () => {
  const { weights, said } = weigh("auto")
  // 5 cats, 1 dog beside a crowd, 2 a=b, no cow: 8 objects of 3 classes.
  expect(weights).toEqual([1, 8 / 15, 8 / 3, 8 / 6, 1])
  expect(said).toEqual(["class weights: cat 0.533, dog 2.67, a=b 1.33, cow 1; background 1"])
})

test("weights by name leave the others at 1; without any nothing is weighed or said", () => {
  expect(weigh("dog=2", "a=b=0.5").weights).toEqual([1, 1, 2, 0.5, 1])
  expect(weightClasses(undefined, data, () => expect.unreachable())).toBeUndefined()
})

test.each([
  ["dig=2", '--class-weights: pets has no class "dig". Did you mean "dog"? They are cat, dog, a=b, cow'],
  ["dog", 'as in cat=2,dog=0.5, got "dog"'],
  ["dog=0", 'got "dog=0"'],
  ["dog=-1", 'got "dog=-1"'],
  ["dog=Infinity", 'got "dog=Infinity"'],
  ["dog= ", 'got "dog= "'],
])("%s is refused", (asked, message) => {
  expect(() => weigh(asked)).toThrow(message)
})
