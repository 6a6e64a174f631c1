import { expect, test } from "vitest"
import { checkImages } from "../../datasets/check-images.js"
import { readDataset } from "../../datasets/read.js"
import { readSplits } from "../../datasets/splits.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"

test.skipIf(withoutSharedData)("BCCD has 205, 87 and 72 images and two boxes without area", async () => {
  const sets = await readSplits(sharedData("bccd"))
  expect(sets.map(({ format, split, images }) => [format, split, images.length])).toEqual([
    ["voc", "train", 205],
    ["voc", "val", 87],
    ["voc", "test", 72],
  ])
  expect(sets[0]!.classes).toEqual(["Platelets", "RBC", "WBC"])
  const faults = sets.flatMap(({ faults }) => faults)
  expect(faults.map(({ kind, file, object }) => [kind, file, object])).toEqual([
    ["zero-area-box", "Annotations/BloodImage_00343.xml", 3],
    ["zero-area-box", "Annotations/BloodImage_00338.xml", 12],
  ])
  const boxes = sets.flatMap(({ images }) => images.map(({ labels }) => labels.length))
  // 4155 + 372 + 361 of the published counts, without the two.
  expect(boxes.reduce((sum, count) => sum + count)).toBe(4886)
  expect(await checkImages(sets[2]!, { workers: 1 })).toEqual([])
})

test.skipIf(withoutSharedData)("COCO keeps its 80 classes, ids up to 90 and crowds", async () => {
  const train = await readDataset(sharedData("coco-mini"), { split: "train" })
  expect([train.format, train.images.length, train.classes.length, train.categoryIds.at(-1)]).toEqual([
    "coco",
    80,
    80,
    90,
  ])
  const sum = (pick: (image: (typeof train.images)[number]) => number) =>
    train.images.reduce((total, image) => total + pick(image), 0)
  expect(sum(({ labels }) => labels.length)).toBe(739)
  expect(sum(({ crowd }) => crowd.filter((flag) => flag === 1).length)).toBe(8)
})
