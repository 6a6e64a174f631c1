import { expect, test } from "vitest"
import { checkImages } from "../../datasets/check-images.js"
import { readDataset } from "../../datasets/read.js"
import { readSplits } from "../../datasets/splits.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"

test.skipIf(withoutSharedData)(
  "BCCD has 205, 87 and 72 images; two boxes have equal corners, a pixel wide by VOC's counting",
  async () => {
    const sets = await readSplits(sharedData("bccd"))
    expect(sets.map(({ format, split, images }) => [format, split, images.length])).toEqual([
      ["voc", "train", 205],
      ["voc", "val", 87],
      ["voc", "test", 72],
    ])
    expect(sets[0]!.classes).toEqual(["Platelets", "RBC", "WBC"])
    expect(sets.flatMap(({ faults }) => faults)).toEqual([])
    const boxes = sets.flatMap(({ images }) => images.map(({ labels }) => labels.length))
    // 4155 + 372 + 361: the published counts.
    expect(boxes.reduce((sum, count) => sum + count)).toBe(4888)
    expect(await checkImages(sets[2]!, { workers: 1 })).toEqual([])
  },
)

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
