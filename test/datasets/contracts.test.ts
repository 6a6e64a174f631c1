import { join } from "node:path"
import { describe, expect, test } from "vitest"
import type { Dataset, ImageRecord } from "../../datasets/dataset.js"
import { datasetFromSamples, type OwnSample } from "../../datasets/dataset-from-samples.js"
import { readDataset } from "../../datasets/read.js"
import { type WriteFormat, writeDataset } from "../../datasets/write.js"
import { isDataset } from "../support/contracts.js"
import { png, tempFolder, vocFile, vocObject, writeFiles } from "./samples.js"
import { twins, writeTwin } from "./turned-photos.js"

const [small, wide] = [png(40, 30), png(60, 20)]
/** A box that is right, one that reaches out of a 40 x 30 image, one without an area; corners from 0. */
const corners = [
  [2, 3, 22, 13],
  [30, 20, 55, 30],
  [7, 7, 7, 12],
] as const

/** Each with faults of every kind that its format can have: what cannot be used is left out. */
const messy: Record<string, () => Promise<Dataset> | Dataset> = {
  VOC() {
    const objects = corners.map(([x1, y1, x2, y2]) => vocObject("cat", [x1 + 1, y1 + 1, x2, y2])).join("")
    return read({
      "JPEGImages/a.png": small,
      "JPEGImages/b.png": wide,
      "Annotations/a.xml": vocFile(objects + vocObject("dog", [1, 1, 40, 30], "<difficult>1</difficult>")),
      "Annotations/b.xml": vocFile("", 60, 20),
      "Annotations/c.xml": "<annotation>",
      "Annotations/d.xml": vocFile(objects),
      "ImageSets/Main/train.txt": "a\nb\nc\nd\n",
    })
  },
  COCO() {
    const boxes = corners.map(([x1, y1, x2, y2]) => [x1, y1, x2 - x1, y2 - y1])
    const annotations = boxes.map((bbox, i) => ({ id: i + 1, image_id: 7, category_id: 9, bbox, iscrowd: i % 2 }))
    const image = { file_name: "a.png", width: 40, height: 30 }
    const content = {
      images: [
        { ...image, id: 7 },
        { ...image, id: 2, file_name: "b.png", width: 60, height: 20 },
        { ...image, id: 3, file_name: "gone.png" },
      ],
      categories: [
        { id: 9, name: "dog" },
        { id: 3, name: "cat" },
      ],
      annotations: [
        ...annotations,
        { ...annotations[0], id: 8, category_id: 4 },
        { ...annotations[0], id: 9, area: 50 },
      ],
    }
    return read({
      "annotations/instances_train2017.json": JSON.stringify(content),
      "train2017/a.png": small,
      "train2017/b.png": wide,
    })
  },
  YOLO: () =>
    read({
      "data.yaml": "train: images/train\nnames: {0: cat, 1: dog}\n",
      "images/train/a.png": small,
      "images/train/b.png": wide,
      "images/train/c.jpg": "no image",
      "labels/train/a.txt": "1 0.5 0.5 0.5 0.5\n0 0.9 0.5 0.5 0.5\n0 0.5 0.5 0 0.1\n7 0.5 0.5 0.1 0.1\n0 0.5\n",
    }),
  ImageNet: () =>
    read({
      "Data/CLS-LOC/train/n02/n02_1.JPEG": small,
      "Data/CLS-LOC/train/n01/n01_1.JPEG": small,
      "Annotations/CLS-LOC/train/n02/n02_1.xml": vocFile(corners.map((one) => vocObject("n02", one)).join("")),
      "Annotations/CLS-LOC/train/n01/n01_1.xml": vocFile(vocObject("n01", [0, 0, 39, 29])),
      "Annotations/CLS-LOC/train/n01/n01_2.xml": vocFile(vocObject("n01", [0, 0, 39, 29])),
    }),
  labelme: () =>
    read({
      "a.json": JSON.stringify({
        imagePath: "a.png",
        shapes: [...corners, [1, 1, 2, 2]].map(([x1, y1, x2, y2], i) => ({
          label: i % 2 ? "cat" : "dog",
          points:
            i === 3
              ? [[x1, y1]]
              : [
                  [x1, y1],
                  [x2, y2],
                ],
          shape_type: i === 3 ? "point" : "rectangle",
        })),
      }),
      "a.png": small,
      "b.json": "{}",
      "c.png": wide,
    }),
  CSV: () => {
    const lines = corners.map((box) => `a.png,${box.join(",")},cat`)
    return read({
      "train.csv": [...lines, "b.png,,,,,", "gone.png,1,1,2,2,cat", "a.png,x,1,2,2,dog", ""].join("\n"),
      "a.png": small,
      "b.png": wide,
    })
  },
  VIA: () => {
    const regions = corners.map(([x, y, x2, y2]) => ({
      shape_attributes: { name: "rect", x, y, width: x2 - x, height: y2 - y },
      region_attributes: { type: "cat" },
    }))
    const images = { a: { filename: "a.png", size: 1, regions }, b: { filename: "gone.png", size: 1, regions: {} } }
    return read({ "via.json": JSON.stringify(images), "a.png": small })
  },
  "samples from code": () => datasetFromSamples(samples()),
  "a list in code": () => {
    const all = samples()
    return datasetFromSamples({ length: all.length, at: async (index) => all[index]! })
  },
}

function samples(): OwnSample[] {
  const rgb = { data: new Uint8Array(3 * 40 * 30).fill(7), width: 40, height: 30 }
  return [
    { image: rgb, boxes: corners, labels: ["cat", "dog", "cat"] },
    { image: small, boxes: [1, 2, 3, 4], labels: ["dog"], id: "bytes" },
    { image: wide, boxes: [], labels: [] },
  ]
}

function read(files: Readonly<Record<string, string | Uint8Array>>): Promise<Dataset> {
  const folder = tempFolder()
  writeFiles(folder, files)
  return readDataset(folder)
}

describe("the contract of a data set", () => {
  test.each(Object.entries(messy))("is kept by %s, with all that may be wrong there", async (_, make) => {
    const set = await make()
    expect(set.faults.length).toBeGreaterThan(0)
    expect(set.images.some(({ labels }) => labels.length > 0)).toBe(true)
    await isDataset(set)
  })

  test.each(twins)("is kept by a turned photo: %s", async (twin) => {
    await isDataset(await readDataset(await writeTwin(tempFolder(), twin)))
  })

  test.each<WriteFormat>(["voc", "coco", "yolo"])("is kept by what is written as %s", async (format) => {
    const folder = join(tempFolder(), "written")
    await writeDataset([await messy.VOC!()], format, folder)
    await isDataset(await readDataset(folder))
  })

  test.each<[string, Partial<ImageRecord>, string]>([
    ["a box without an area", { boxes: Float64Array.of(5, 5, 5, 9) }, "object 0 has an area"],
    ["a box outside of the image", { boxes: Float64Array.of(5, 5, 41, 9) }, "inside the image"],
    ["a label of no class", { labels: Int32Array.of(3) }, "label of 1..K"],
    ["a column that is too short", { crowd: new Uint8Array(0) }, "columns"],
    ["a photo of another size", { image: wide }, "bytes"],
    ["a photo that is none", { image: Uint8Array.of(1, 2, 3) }, "bytes"],
  ])("is broken by %s", async (_, wrong, message) => {
    const set = await datasetFromSamples(samples())
    const images = set.images.map((record) => (record.id === "bytes" ? { ...record, ...wrong } : record))
    await expect(isDataset({ ...set, images })).rejects.toThrow(message)
  })
})
