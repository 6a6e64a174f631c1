import { join } from "node:path"
import { expect, test } from "vitest"
import { readYolo } from "../../datasets/yolo.js"
import { png, tempFolder, writeFiles } from "./samples.js"

function sample(labels: string, yaml = "train: images/train\nnames: {0: cat, 1: dog}\n"): string {
  const folder = tempFolder()
  writeFiles(folder, {
    "data.yaml": yaml,
    "images/train/a.png": png(40, 20),
    "images/train/b.png": png(40, 20),
    "labels/train/a.txt": labels,
  })
  return folder
}

test("centres and sizes in parts of the image become boxes, a polygon its extent, no label file no objects", async () => {
  const { images, classes, faults } = await readYolo(sample("1 0.5 0.5 0.5 0.5\n0 0.1 0.1 0.9 0.1 0.5 0.7\n"))
  expect(classes).toEqual(["cat", "dog"])
  expect([...images[0]!.boxes].map((value) => Number(value.toFixed(9)))).toEqual([10, 5, 30, 15, 4, 2, 36, 14])
  expect([...images[0]!.labels]).toEqual([2, 1])
  expect([images[0]!.width, images[0]!.height]).toEqual([40, 20])
  expect(images[1]!.labels.length).toBe(0)
  expect(faults).toEqual([])
})

test("a broken line and a class that does not exist are named with their line", async () => {
  const { faults } = await readYolo(
    sample("1 0.5 0.5 0.5\n2 0.5 0.5 0.5 0.5\nx 1 1 1 1\n0 0.5 0.5 2 0.5\n0 0.5 0.5 0x1 0.5\n"),
  )
  expect(faults.map(({ kind, file, object }) => `${kind} ${file} ${object}`)).toEqual([
    "broken-annotation labels/train/a.txt 0",
    "unknown-id labels/train/a.txt 1",
    "broken-annotation labels/train/a.txt 2",
    "broken-annotation labels/train/a.txt 4",
    "box-outside-image labels/train/a.txt 3",
  ])
})

test("a file that is no image is named", async () => {
  const folder = sample("")
  writeFiles(folder, { "images/train/c.jpg": "no image" })
  const { faults, images } = await readYolo(folder)
  expect(faults).toMatchObject([{ kind: "unreadable-image", file: "images/train/c.jpg" }])
  expect(images.length).toBe(2)
})

test("a list of images is read relative to the data folder", async () => {
  const folder = sample("", "train: train.txt\nnames: [cat]\n")
  writeFiles(folder, { "train.txt": "./images/train/b.png\nimages/train/gone.png\n" })
  const { images, faults } = await readYolo(join(folder, "data.yaml"))
  expect(images.map(({ id }) => id)).toEqual(["images/train/b"])
  expect(faults).toMatchObject([{ kind: "missing-image", file: "images/train/gone.png" }])
})

test("Roboflow's ../train is the folder beside the yaml, and that is said", async () => {
  const { images, notices } = await readYolo(sample("", "train: ../images/train\nnames: [cat]\n"))
  expect(images.length).toBe(2)
  expect(notices!.join()).toContain('"../images/train" is taken as "images/train"')
})

test("a folder or a listed file outside the data folder is refused", async () => {
  await expect(readYolo(sample("", "train: ../../etc\nnames: [cat]\n"))).rejects.toThrow("leaves the data folder")
  const folder = sample("", "train: train.txt\nnames: [cat]\n")
  writeFiles(folder, { "train.txt": "../secret.png\n" })
  await expect(readYolo(folder)).rejects.toThrow("leaves the data folder")
})

test("a yaml without names, and one without the split, say so", async () => {
  await expect(readYolo(sample("", "train: images\n"))).rejects.toThrow("not a YOLO data.yaml: names")
  await expect(readYolo(sample("", "train: images\nnc: 1000000000\n"))).rejects.toThrow("nc: Too big")
  for (const place of ["*".repeat(300_000), "a/".repeat(150_000), `${"*a".repeat(30)}b`]) {
    const reading = readYolo(sample("", `train: "${place}"\nnames: [cat]\n`))
    await expect(reading).rejects.toThrow("expected at most 4096 letters, and 3 wildcards between two slashes")
  }
  await expect(readYolo(sample(""), { split: "val" })).rejects.toThrow('no split "val". There: train')
})
