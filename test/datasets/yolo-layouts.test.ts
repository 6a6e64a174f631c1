import { mkdirSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, test } from "vitest"
import { readYolo } from "../../datasets/yolo.js"
import { findYoloSettings } from "../../datasets/yolo-settings.js"
import { png, tempFolder, writeFiles } from "./samples.js"

const picture = png(40, 20)
const line = "0 0.5 0.5 0.5 0.5\n"

function write(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = tempFolder()
  writeFiles(folder, files)
  return folder
}

/** Two images with a box each, wherever they lie. */
const pairs = (...places: readonly (readonly [image: string, label: string])[]) =>
  Object.fromEntries(
    places.flatMap(([image, label]) => [
      [image, picture],
      [label, line],
    ]),
  )

const usual = pairs(["images/train/a.png", "labels/train/a.txt"], ["images/train/b.png", "labels/train/b.txt"])

/** Layouts that people have: two images with one object each in all of them. */
const layouts: Record<string, Readonly<Record<string, string | Uint8Array>>> = {
  "sub-folders": {
    "data.yaml": "train: images\nnames: [cat]\n",
    ...pairs(["images/x/a.png", "labels/x/a.txt"], ["images/y/z/b.png", "labels/y/z/b.txt"]),
  },
  "labels beside the images": {
    "data.yaml": "train: photos\nnames: [cat]\n",
    ...pairs(["photos/a.png", "photos/a.txt"], ["photos/b.png", "photos/b.txt"]),
  },
  "folders in upper case": {
    "data.yaml": "train: Images\nnames: [cat]\n",
    ...pairs(["Images/a.png", "Labels/a.txt"], ["Images/b.png", "Labels/b.txt"]),
  },
  "a folder of labels beside one that is not called images": {
    "data.yaml": "train: train/imgs\nnames: [cat]\n",
    ...pairs(["train/imgs/a.png", "train/labels/a.txt"], ["train/imgs/b.png", "train/labels/b.txt"]),
  },
  "any yaml": { "digits.yaml": "train: images/train\nnames: [cat]\n", ...usual },
  "a yml": { "data.yml": "train: images/train\nnames: [cat]\n", ...usual },
  "a yaml in a folder called images": {
    "images/data.yaml": "train: train/imgs\nnames: [cat]\n",
    ...pairs(
      ["images/train/imgs/a.png", "images/train/labels/a.txt"],
      ["images/train/imgs/b.png", "images/train/labels/b.txt"],
    ),
  },
  "a pattern": { "data.yaml": "train: images/*\nnames: [cat]\n", ...usual },
  backslashes: { "data.yaml": "train: images\\train\nnames: [cat]\n", ...usual },
  "the path of another machine": {
    "data.yaml": "path: /home/me/digits\ntrain: images/train\nnames: [cat]\n",
    ...usual,
  },
  "an absolute place of another machine": { "data.yaml": "train: /home/me/images/train\nnames: [cat]\n", ...usual },
  "a name for the only class": { "data.yaml": "train: images/train\nnames: cat\n", ...usual },
  "darknet's obj.data": {
    "obj.data": "classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n",
    "obj.names": "cat\n",
    "train.txt": "data/obj/a.png\ndata/obj/b.png\n",
    ...pairs(["obj/a.png", "obj/a.txt"], ["obj/b.png", "obj/b.txt"]),
  },
  "a list relative to itself": {
    "data.yaml": "train: lists/train.txt\nnames: [cat]\n",
    "lists/train.txt": "./../images/train/a.png\n../images/train/b.png\n",
    ...usual,
  },
  "a list whose images all lie elsewhere": {
    "data.yaml": "train: train.txt\nnames: [cat]\n",
    "train.txt": "data/obj_train_data/a.png\ndata/obj_train_data/b.png\n",
    ...usual,
  },
  "a list beside its folder": {
    "data.yaml": "train: images/train2017.txt\nnames: [cat]\n",
    "images/train2017.txt": "train/a.png\ntrain/b.png\n",
    ...usual,
  },
  "a list of another machine, in quotes": {
    "data.yaml": "train: train.txt\nnames: [cat]\n",
    "train.txt": '"C:\\data\\images\\train\\a.png"\n/home/me/images/train/b.png\n',
    ...usual,
  },
  "a list in UTF-16, with backslashes": {
    "data.yaml": "train: train.txt\nnames: [cat]\n",
    "train.txt": Buffer.from("\ufeffimages\\train\\a.png\r\nimages\\train\\b.png\r\n", "utf16le"),
    ...usual,
  },
  "a list in another case": {
    "data.yaml": "train: train.txt\nnames: [cat]\n",
    "train.txt": "Images/Train/A.PNG\nimages/train/b.png\n",
    ...usual,
  },
}

describe("a layout of label tools is read", () => {
  test.each(Object.entries(layouts))("%s", async (_, files) => {
    const { images, faults, classes } = await readYolo(write(files))
    expect(faults).toEqual([])
    expect(images.map(({ labels }) => [...labels])).toEqual([[1], [1]])
    expect([...images[0]!.boxes]).toEqual([10, 5, 30, 15])
    expect(classes).toEqual(["cat"])
  })
})

test("an absolute path inside the data folder is a path in it", async () => {
  const folder = write({ "data.yaml": "train: train.txt\nnames: [cat]\n", ...usual })
  writeFiles(folder, { "train.txt": `${join(folder, "images/train/a.png")}\n` })
  const { images, notices } = await readYolo(folder)
  expect(images.length).toBe(1)
  expect(notices).toEqual([])
})

test("what is written otherwise than it lies is told", async () => {
  const { notices } = await readYolo(write(layouts["a list of another machine, in quotes"]!))
  expect(notices!.join("\n")).toMatch(/2 names point to another place, such as .*: the files that end like them/)
  const { notices: loose } = await readYolo(write(layouts["a list in another case"]!))
  expect(loose!.join("\n")).toContain('1 names are not written as the files are called, such as "Images/Train/A.PNG"')
})

test("names are read as they stand; a name twice is one class; no names are numbers", async () => {
  const yaml = (names: string) => write({ "data.yaml": `train: images/train\n${names}\n`, ...usual })
  const words = ["no", "yes", "null", "007", "1e3", "1.0"]
  expect((await readYolo(yaml(`names: [${words.join(", ")}]`))).classes).toEqual(words)
  const twice = await readYolo(yaml("names: [cat, dog, cat]"))
  expect(twice.classes).toEqual(["cat", "dog"])
  expect(twice.notices!.join()).toContain('"cat" twice')
  const bare = await readYolo(yaml("nc: 2"))
  expect(bare.classes).toEqual(["class_0", "class_1"])
  const other = await readYolo(yaml("nc: 3\nnames: [cat]"))
  expect(other.notices!.join()).toContain("nc is 3, but there are 1 names")
  await expect(readYolo(yaml("names: {1: cat}"))).rejects.toThrow("0 is missing. Class numbers begin at 0")
})

test("a place that is not there is a split that is not there; two yaml files are told apart by the user", async () => {
  const folder = write({ "data.yaml": "train: images/train\nval: ../valid/images\nnames: [cat]\n", ...usual })
  await expect(readYolo(folder, { split: "val" })).rejects.toThrow("no folder or list")
  const two = write({
    "a.yaml": "train: x\nnames: [cat]\n",
    "b.yaml": "train: x\nnames: [cat]\n",
    "c.yaml": "other: 1\n",
  })
  expect(() => findYoloSettings(two)).toThrow("several YOLO yaml files: a.yaml, b.yaml")
})

test("pose labels are boxes, by kpt_shape or by where their points lie; polygons stay polygons", async () => {
  const pose = (labels: string, yaml = "") =>
    write({
      "data.yaml": `train: images/train\nnames: [cat]\n${yaml}`,
      ...usual,
      "labels/train/a.txt": labels,
      "labels/train/b.txt": "",
    })
  const told = await readYolo(pose("0 0.5 0.5 0.5 0.5 0.1 0.1 0.9 0.9\n", "kpt_shape: [2, 2]\n"))
  expect([...told.images[0]!.boxes]).toEqual([10, 5, 30, 15])
  expect(told.notices!.join()).toContain("keypoints are not")
  const seen = await readYolo(pose("0 0.5 0.5 0.5 0.5 0.4 0.4 0.6 0.6\n0 0.5 0.5 0.5 0.5 0 0 0.6 0.6\n"))
  expect([...seen.images[0]!.boxes]).toEqual([10, 5, 30, 15, 10, 5, 30, 15])
  const visible = await readYolo(pose("0 0.5 0.5 0.5 0.5 0.4 0.4 2 0.6 0.6 1 0 0 0\n"))
  expect([...visible.images[0]!.boxes]).toEqual([10, 5, 30, 15])
  const polygon = await readYolo(pose("0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n"))
  expect([...polygon.images[0]!.boxes].map((value) => Number(value.toFixed(9)))).toEqual([4, 2, 16, 8])
})

test("labels that are no parts of the image say what they look like", async () => {
  const labels = "cat 0.5 0.5 0.2 0.2\n0 100 100 50 50\n0 0.5 0.5 0.2 0.2 0.9\n# a comment\n0,0.5,0.5,0.2,0.2\n"
  const { faults, images, notices } = await readYolo(
    write({ "data.yaml": "train: images/train\nnames: [cat]\n", ...usual, "labels/train/a.txt": labels }),
  )
  expect(faults.map(({ message }) => message)).toEqual([
    expect.stringContaining("begins with the class's name: expected its number, 0"),
    expect.stringContaining("perhaps pixels"),
  ])
  expect([...images[0]!.boxes]).toEqual([16, 8, 24, 12, 16, 8, 24, 12])
  expect(notices!.join()).toContain("label lines with a sixth number, a score: 1. Their boxes are used")
})

test("without any label file the place that was looked at is named", async () => {
  const folder = write({ "data.yaml": "train: images/train\nnames: [cat]\n", "images/train/a.png": picture })
  expect((await readYolo(folder)).notices).toEqual(["0 of 1 images have a label file; looked for labels/train/a.txt"])
})

test("an image listed twice counts once; pictures that are not decoded are named, other files counted", async () => {
  const folder = write({
    "data.yaml": "train: [images/train, images/train/a.png]\nnames: [cat]\n",
    ...usual,
    "images/train/c.heic": Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    "images/train/d.mov": "x",
  })
  const { images, faults, notices } = await readYolo(folder)
  expect(images.length).toBe(2)
  expect(faults.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
    'duplicate-id: the image is listed twice in "train"',
    "unreadable-image: it is a file of the kind HEIC, which is not decoded: convert it to JPEG or PNG",
  ])
  expect(notices!.join()).toContain("1 files are no pictures and are passed over, such as d.mov")
})

test("links that leave the data folder are followed only where that is asked for, files and folders alike", async () => {
  const outside = write({ "photos/b.png": picture, "c.png": picture })
  for (const [target, link] of [
    ["photos", "images/train/more"],
    ["c.png", "images/train/c.png"],
  ] as const) {
    const folder = write({ "data.yaml": "train: images/train\nnames: [cat]\n", ...usual })
    mkdirSync(dirname(join(folder, link)), { recursive: true })
    symlinkSync(join(outside, target), join(folder, link))
    await expect(readYolo(folder)).rejects.toThrow("is a link that leaves the data folder. Pass --follow-links")
    expect((await readYolo(folder, { followLinks: true })).images.length).toBe(3)
  }
})
