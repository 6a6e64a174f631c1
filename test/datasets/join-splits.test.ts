import { join } from "node:path"
import { expect, test } from "vitest"
import { readDataset } from "../../datasets/read.js"
import { png, tempFolder, vocFile, vocObject, writeFiles } from "./samples.js"

/** A VOCdevkit of 2007 and 2012: splits of one image each, VOC2012's test without annotations as the real one. */
function devkit(): string {
  const folder = tempFolder()
  const write = (year: string, split: string, id: string, name: string | null) =>
    writeFiles(join(folder, "VOCdevkit", year), {
      [`JPEGImages/${id}.png`]: png(40, 30),
      [`ImageSets/Main/${split}.txt`]: `${id}\n`,
      ...(name === null ? {} : { [`Annotations/${id}.xml`]: vocFile(vocObject(name, [2, 2, 11, 21])) }),
    })
  write("VOC2007", "trainval", "000005", "chair")
  write("VOC2007", "test", "000001", "dog")
  write("VOC2012", "trainval", "2008_000002", "aeroplane")
  write("VOC2012", "test", "2008_000001", null)
  return join(folder, "VOCdevkit")
}

const idsOf = async (data: string, split: string) => (await readDataset(data, { split })).images.map(({ id }) => id)

test("the training sets of the paper: 07, 07+12 and 07++12", async () => {
  const data = devkit()
  expect(await idsOf(data, "VOC2007/trainval")).toEqual(["000005"])
  expect(await idsOf(data, "trainval")).toEqual(["000005", "2008_000002"])
  const union = await readDataset(data, { split: "VOC2007/trainval+VOC2007/test+VOC2012/trainval" })
  expect(union.images.map(({ id, imageId }) => [id, imageId])).toEqual([
    ["000005", 1],
    ["000001", 2],
    ["2008_000002", 3],
  ])
  expect(union.classes).toEqual(["aeroplane", "chair", "dog"])
  expect(union.images.map(({ labels }) => [...labels])).toEqual([[2], [3], [1]])
  expect(union.faults).toEqual([])
  expect(union.split).toBe("VOC2007/trainval+VOC2007/test+VOC2012/trainval")
})

test("a year that is not there is named with the nearest one, and so is a split of a year", async () => {
  const data = devkit()
  await expect(readDataset(data, { split: "VOC2008/test" })).rejects.toThrow(
    'No folder "VOC2008" for split "VOC2008/test". Did you mean "VOC2007"? There: VOC2007, VOC2012',
  )
  await expect(readDataset(data, { split: "VOC2007/tset" })).rejects.toThrow('Did you mean "test"?')
})

test("an image that is in two of the splits counts once, and that is told", async () => {
  const data = devkit()
  const { images, faults } = await readDataset(data, { split: "VOC2007/trainval+trainval" })
  expect(images.map(({ id }) => id)).toEqual(["000005", "2008_000002"])
  expect(faults).toEqual([
    {
      kind: "duplicate-id",
      file: "VOC2007/JPEGImages/000005.png",
      message: "the image is in VOC2007/trainval and in trainval",
      action: "skipped",
    },
  ])
})

/** COCO files of one image each, by split. */
function coco(splits: Record<string, { image: number; file: string; categories: Record<string, number> }>): string {
  const folder = tempFolder()
  for (const [split, { image, file, categories }] of Object.entries(splits)) {
    const named = Object.entries(categories).map(([name, id]) => ({ id, name }))
    const annotation = { id: 1, image_id: image, category_id: named[0]!.id, bbox: [1, 2, 3, 4] }
    const images = [{ id: image, file_name: file, width: 40, height: 30 }]
    writeFiles(folder, {
      [`annotations/instances_${split}.json`]: JSON.stringify({ images, categories: named, annotations: [annotation] }),
      [`${split}/${file}`]: png(40, 30),
    })
  }
  return folder
}

test("COCO's train and val join with their ids; a class that one of them lacks shifts no label", async () => {
  const data = coco({
    train2014: { image: 9, file: "a.png", categories: { zebra: 24 } },
    val2014: { image: 3, file: "b.png", categories: { dog: 18, zebra: 24 } },
  })
  const { images, classes, categoryIds } = await readDataset(data, { split: "train2014+val2014" })
  expect([classes, categoryIds]).toEqual([
    ["dog", "zebra"],
    [18, 24],
  ])
  expect(images.map(({ imageId, labels }) => [imageId, [...labels]])).toEqual([
    [9, [2]],
    [3, [1]],
  ])
})

test("ids that mean different images in two COCO files are told apart, and that is said", async () => {
  const categories = { dog: 1 }
  const data = coco({ a: { image: 1, file: "0.png", categories }, b: { image: 1, file: "0.png", categories } })
  const { images, notices } = await readDataset(data, { split: "a+b" })
  expect(images.map(({ id, imageId }) => [id, imageId])).toEqual([
    ["0", 1],
    ["b/0", 2],
  ])
  expect(notices).toEqual(["the same image id means different images in different splits: images are renumbered"])
})

test("splits that number one class differently are refused", async () => {
  const data = coco({
    a: { image: 1, file: "0.png", categories: { dog: 1 } },
    b: { image: 2, file: "1.png", categories: { dog: 2 } },
  })
  await expect(readDataset(data, { split: "a+b" })).rejects.toThrow('"dog" is category 1 in one split and 2 in b')
})
