import { expect, test } from "vitest"
import { readDataset, recognizeFormat } from "../../datasets/read.js"
import { localizationFigures } from "../../src/localize/figures.js"
import { png, tempFolder, vocFile, vocObject, writeFiles } from "./samples.js"

/** ImageNet's localization data of two classes: two training images with boxes, one without, four to validate on. */
function imageNet(more: Readonly<Record<string, string | Uint8Array>> = {}, prefix = ""): string {
  const root = tempFolder()
  const picture = png(40, 30)
  const place = (kind: string) => `${prefix}${kind}/CLS-LOC`
  const boxes = (wnid: string, ...corners: number[][]) => vocFile(corners.map((one) => vocObject(wnid, one)).join(""))
  const [data, annotations] = [place("Data"), place("Annotations")]
  writeFiles(root, {
    [`${data}/train/n02/n02_1.JPEG`]: picture,
    [`${data}/train/n01/n01_1.JPEG`]: picture,
    [`${data}/train/n01/n01_2.JPEG`]: picture,
    [`${annotations}/train/n02/n02_1.xml`]: boxes("n02", [0, 0, 39, 29]),
    [`${annotations}/train/n01/n01_2.xml`]: boxes("n01", [10, 5, 19, 14], [0, 0, 3, 3]),
    [`${data}/val/ILSVRC2012_val_00000001.JPEG`]: picture,
    [`${data}/val/ILSVRC2012_val_00000002.JPEG`]: picture,
    [`${data}/val/n01/ILSVRC2012_val_00000003.JPEG`]: picture,
    [`${annotations}/val/ILSVRC2012_val_00000001.xml`]: boxes("n01", [10, 10, 19, 19]),
    [`${annotations}/val/ILSVRC2012_val_00000002.xml`]: boxes("n02", [0, 0, 9, 9]),
    [`${annotations}/val/ILSVRC2012_val_00000003.xml`]: boxes("n01", [1, 2, 3, 4]),
    [`${annotations}/val/ILSVRC2012_val_00000004.xml`]: boxes("n02", [1, 2, 3, 4]),
    ...more,
  })
  return root
}

test("training images are those with boxes; corners count from 0, and the last pixel is inside", async () => {
  const source = imageNet()
  expect(recognizeFormat(source)).toBe("imagenet")
  const set = await readDataset(source)
  expect(set).toMatchObject({ format: "imagenet", split: "train", classes: ["n01", "n02"], faults: [], notices: [] })
  expect(set.images.map(({ id, boxes, labels }) => [id, [...boxes], [...labels]])).toEqual([
    ["n01/n01_2", [10, 5, 20, 15, 0, 0, 4, 4], [1, 1]],
    ["n02/n02_1", [0, 0, 40, 30], [2]],
  ])
})

test("validation images may lie flat or in their classes' folders; a missing one is told", async () => {
  const set = await readDataset(imageNet({}, "ILSVRC/"), { split: "val" })
  const name = (n: number) => `ILSVRC2012_val_0000000${n}`
  expect(set.images.map(({ id }) => id)).toEqual([1, 2, 3].map(name))
  expect(set.images[2]!.file).toMatch(/val[\\/]n01[\\/]ILSVRC2012_val_00000003\.JPEG$/)
  expect(set.faults).toMatchObject([{ kind: "missing-image", file: `Annotations/CLS-LOC/val/${name(4)}.xml` }])
  expect(set.notices).toEqual(["no *clsloc_validation_blacklist.txt of the development kit: every image counts"])
})

test("blacklisted validation images leave both parts of the localization error", async () => {
  const list = { "devkit/data/ILSVRC2014_clsloc_validation_blacklist.txt": "1\n3\n4\n" }
  const all = await readDataset(imageNet(), { split: "val" })
  const fewer = await readDataset(imageNet(list), { split: "val" })
  expect(fewer.images.map(({ id }) => id)).toEqual(["ILSVRC2012_val_00000002"])
  expect(fewer.notices).toEqual(["the 3 images of ILSVRC2014_clsloc_validation_blacklist.txt do not count"])
  expect((await readDataset(imageNet(list))).images).toHaveLength(2)
  // Five guesses for each image, the last one right in image 1: an overlap of 50 of 100 pixels, counted as ImageNet does.
  const guess = (label: number, ...box: number[]) => ({ label, score: 0.5, box: Float32Array.from(box) })
  const wrong = Array.from({ length: 4 }, () => guess(2, 10, 10, 20, 20))
  const found = { given: [], guessed: [...wrong, guess(1, 10, 10, 20, 15)], height: 30, width: 40 }
  const figures = (set: typeof all) =>
    localizationFigures(
      set.images,
      set.images.map(() => found),
    )
  expect(figures(all)).toMatchObject({ images: 3, localizationError: 2 / 3, localizationErrorTop1: 1 })
  expect(figures(fewer)).toMatchObject({ images: 1, localizationError: 1, classificationError: 0 })
})

test("an absent split names those there are", async () => {
  await expect(readDataset(imageNet(), { split: "test" })).rejects.toThrow(/no split "test"\. There are: train, val$/)
})
