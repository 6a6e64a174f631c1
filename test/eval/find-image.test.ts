import { expect, test } from "vitest"
import { truthsFromCoco } from "../../src/eval/coco-records.js"
import { FindImage } from "../../src/eval/find-image.js"

const finder = (...names: string[]) =>
  new FindImage(
    truthsFromCoco({ images: names.map((file_name, id) => ({ id, file_name })), categories: [], annotations: [] }),
  )
const placeOf = (name: string, ...names: string[]) => finder(...names).named(name)

test.each([
  ["a name without folder", "1.jpg", "val/1.jpg"],
  ["a name without folder and ending", "1", "val/1.jpg"],
  ["a part of the folders", "val/1.jpg", "data/val/1.jpg"],
  ["an absolute path", "/data/val/1.jpg", "val/1.jpg"],
  ["other folders in front", "../mine/val/1", "./val/1.jpg"],
  ["a path of Windows", "C:\\data\\val\\1.jpg", "val/1.jpg"],
  ["folders before a name without any", "val/1.jpg", "1.jpg"],
  ["another ending", "1.png", "1.jpg"],
  ["a dot before a digit", "frame 2.5", "frame 2.5.jpg"],
  ["blanks that are spelt", "my%20day/a%20b", "my day/a b.jpg"],
  ["folders in the name of a written data set", "/data/a/1.jpg", "a_1.jpg"],
])("%s is found", (_, name, truth) => {
  expect(placeOf(name, "other.jpg", truth)).toBe(1)
})

test.each([
  ["train2017/1.jpg", "val2017/1.jpg"],
  ["train/cam/1.jpg", "val/cam/1.jpg"],
  ["train/1", "val_1"],
])("%s is not %s", (name, truth) => {
  expect(placeOf(name, truth)).toBe(-1)
})

test.each([
  ["a/1.jpg", ["1.jpg", "a_1.jpg", "b_1.jpg"], 1],
  ["a/1.jpg", ["1.jpg", "a_1.jpg", "a__1.jpg"], 2],
  ["a/1.jpg", ["a_1.jpg", "1.jpg", "a/1.jpg"], 2],
  ["1.jpg", ["a/1.jpg", "1.jpg"], 1],
  ["photos/1.png", ["1.jpg", "1.png"], 1],
] as const)("of images like %s the nearest one is meant", (name, truths, place) => {
  expect(placeOf(name, ...truths)).toBe(place)
})

test("two names of one image are refused with both; one name may come again", () => {
  const find = finder("0.jpg", "1.jpg")
  expect([find.named("train/0.jpg"), find.named("train/0.jpg"), find.named("val/1.jpg")]).toEqual([0, 0, 1])
  expect(() => find.named("val/0.jpg")).toThrow(
    '"train/0.jpg" and "val/0.jpg" would both be "0.jpg" of the ground truth: leave out the one that it is not',
  )
})

test("a name that two images share is refused with both", () => {
  expect(() => placeOf("1", "b.jpg", "x/1.jpg", "y/1.jpg")).toThrow('"1" may be x/1.jpg or y/1.jpg of the ground truth')
})
