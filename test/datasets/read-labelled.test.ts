import { symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { zipSync } from "fflate"
import { expect, test, vi } from "vitest"
import { readCifar } from "../../datasets/cifar.js"
import { readImageFolder } from "../../datasets/image-folder.js"
import { readLabelled } from "../../datasets/read-labelled.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"
import { png, tempFolder, writeFiles, writeVocSample } from "./samples.js"

const PLANE = 1024

/** A record whose first pixel is (red, green, blue) and whose last is (blue, green, red). */
function record(label: number, [red, green, blue]: readonly [number, number, number]): Uint8Array {
  const bytes = new Uint8Array(1 + 3 * PLANE)
  bytes[0] = label
  for (const [plane, first, last] of [
    [0, red, blue],
    [1, green, green],
    [2, blue, red],
  ] as const) {
    bytes[1 + plane * PLANE] = first
    bytes[plane * PLANE + PLANE] = last
  }
  return bytes
}

function cifar(files: Record<string, string | Uint8Array> = {}): string {
  const folder = tempFolder()
  const two = Buffer.concat([record(1, [1, 2, 3]), record(0, [4, 5, 6])])
  writeFiles(folder, {
    "data_batch_1.bin": two,
    "data_batch_2.bin": record(1, [7, 8, 9]),
    "test_batch.bin": record(0, [10, 11, 12]),
    "batches.meta.txt": "cat\ndog\n\n",
    ...files,
  })
  return folder
}

test("CIFAR's planes become pixels, its batches follow one another", async () => {
  const set = readCifar(cifar())
  expect([...set.labels]).toEqual([1, 0, 1])
  expect(set.classes).toEqual(["cat", "dog"])
  expect(set.name(2)).toBe("data_batch_2.bin:0")
  const { data: pixels, height, width } = await set.image(1)
  expect([height, width]).toEqual([32, 32])
  expect([...pixels.subarray(0, 4)]).toEqual([4, 5, 6, 0])
  expect([...pixels.subarray(-3)]).toEqual([6, 5, 4])
  expect([...set.pixels.subarray(3072, 3075)]).toEqual([4, 5, 6])
})

test("CIFAR's test batch is the split val and test, and labels follow the classes asked for", async () => {
  const folder = cifar()
  expect([...(await readLabelled(folder, { split: "val" })).labels]).toEqual([0])
  expect([...(await readLabelled(folder, { split: "test", classes: ["dog", "cat"] })).labels]).toEqual([1])
})

test.each([
  [
    { "test_batch.bin": new Uint8Array(3000) },
    "val",
    /test_batch\.bin: expected records of 3073 bytes .*got 3000 bytes/,
  ],
  [{ "test_batch.bin": new Uint8Array(0) }, "val", /test_batch\.bin: expected records of 3073 bytes .*got 0 bytes/],
  [{ "test_batch.bin": record(2, [0, 0, 0]) }, "val", /record 0: expected a label of 0\.\.1, got 2$/],
  [{ "batches.meta.txt": "\n" }, "val", /batches\.meta\.txt: expected the names of the classes/],
  [{}, "trainval", /splits train and test, not "trainval"/],
] as const)("broken CIFAR files %# are refused in one line", async (files, split, message) => {
  await expect(readLabelled(cifar(files as Record<string, Uint8Array>), { split })).rejects.toThrow(message)
})

test("a CIFAR class that is not among those asked for is refused", () => {
  expect(() => readCifar(cifar(), { classes: ["cat"] })).toThrow(
    /record 0: the class "dog" is not among those asked for: cat/,
  )
})

const photos = {
  "train/dog/b.png": png(4, 3),
  "train/dog/deep/a.PNG": png(2, 2),
  "train/cat/a.png": png(3, 4),
  "train/cat/notes.txt": "not an image",
  "train/.cache/a.png": png(1, 1),
  "val/dog/a.png": png(5, 6),
}

test("folders are classes in the order of their names, whatever order the disk gives", async () => {
  const folder = tempFolder()
  writeFiles(folder, photos)
  const set = await readLabelled(folder)
  expect(set).toMatchObject({ format: "folder", split: "train", classes: ["cat", "dog"], faults: [] })
  expect([0, 1, 2].map((n) => set.name(n))).toEqual(["train/cat/a.png", "train/dog/b.png", "train/dog/deep/a.PNG"])
  expect([...set.labels]).toEqual([0, 1, 1])
  expect(await set.image(0)).toMatchObject({ height: 4, width: 3 })
  expect([...(await readLabelled(folder, { split: "val", classes: set.classes })).labels]).toEqual([1])
})

test("a folder without splits is one set, whichever split is asked for", () => {
  const folder = tempFolder()
  writeFiles(folder, { "dog/a.png": png(1, 1), "cat/a.png": png(1, 1) })
  expect(readImageFolder(folder, { split: "val" })).toMatchObject({ split: "all", classes: ["cat", "dog"] })
})

test("splits have their usual names, in any case, in folders and in what is asked for", async () => {
  const folder = tempFolder()
  writeFiles(folder, {
    ...{ "Training/cat/a.png": png(1, 1), "Training/dog/a.png": png(1, 1) },
    ...{ "valid/dog/a.png": png(1, 1), "Testing/cat/a.png": png(1, 1) },
  })
  for (const [asked, split, classes] of [
    ["train", "train", ["cat", "dog"]],
    ["validation", "val", ["dog"]],
    ["Test", "test", ["cat"]],
  ] as const) {
    expect(await readLabelled(folder, { split: asked })).toMatchObject({ split, classes })
  }
  writeFiles(folder, { "Validation/cat/a.png": png(1, 1) })
  const { classes, name } = await readLabelled(folder, { split: "val" })
  expect([classes, name(0), name(1)]).toEqual([["cat", "dog"], "Validation/cat/a.png", "valid/dog/a.png"])
})

test("a class may be called like a split; images beside splits are left out, and that is told", async () => {
  const folder = tempFolder()
  const vehicles = { "bus/a.png": png(1, 1), "car/a.png": png(1, 1), "train/a.png": png(1, 1) }
  writeFiles(folder, vehicles)
  const three = { split: "all", classes: ["bus", "car", "train"], notices: [] }
  expect(await readLabelled(folder)).toMatchObject(three)
  writeFiles(folder, { "train/steam/b.png": png(1, 1) })
  expect(await readLabelled(folder)).toMatchObject({ ...three, labels: Int32Array.of(0, 1, 2, 2) })
  const mixed = tempFolder()
  writeFiles(mixed, { "bus/a.png": png(1, 1), "train/steam/b.png": png(1, 1), "notes/a.txt": "" })
  const told = `${mixed}: images in bus are left out: they lie beside the splits in train. Rename a class`
  expect((await readLabelled(mixed)).notices).toEqual([expect.stringContaining(told)])
  await expect(readLabelled(mixed, { split: "val" })).rejects.toThrow(`no split "val". There are: train. ${told}`)
})

test("a class that is not among those asked for is a fault, and left out", () => {
  const folder = tempFolder()
  writeFiles(folder, photos)
  const { labels, faults } = readImageFolder(folder, { classes: ["dog"] })
  expect([...labels]).toEqual([0, 0])
  expect(faults).toMatchObject([{ kind: "unknown-class", file: "train/cat", action: "skipped" }])
})

test("what is wrong with a folder is said in one line", async () => {
  const folder = tempFolder()
  writeFiles(folder, { ...photos, "train/fish/notes.txt": "", "val/dog/torn.png": png(9, 9).subarray(0, 20) })
  await expect(readLabelled(folder)).rejects.toThrow(/train\/fish: no images of class "fish"/)
  await expect(readLabelled(folder, { split: "test" })).rejects.toThrow(/no split "test"\. There are: train, val$/)
  // As ImageNet's validation images are given out.
  writeFiles(folder, { "test/ILSVRC2012_test_00000001.png": png(4, 4) })
  await expect(readLabelled(folder, { split: "test" })).rejects.toThrow(
    /test: expected a folder for each class with its images/,
  )
  await expect((await readLabelled(folder, { split: "val" })).image(1)).rejects.toThrow(/torn\.png: /)
  await expect(readLabelled(join(folder, "absent"))).rejects.toThrow(
    /No data at .*absent: there is no such file or folder/,
  )
  await expect(readLabelled(join(folder, "val", "dog"))).rejects.toThrow(
    /No classification set recognised in .*dog: expected/,
  )
})

test("links that lead out of the folder are refused, links within it are followed", async () => {
  const [outside, folder] = [tempFolder(), tempFolder()]
  writeFiles(outside, { "secret/a.png": png(1, 1) })
  writeFiles(folder, { "dog/a.png": png(1, 1) })
  symlinkSync(join(folder, "dog", "a.png"), join(folder, "dog", "b.png"))
  expect((await readLabelled(folder)).labels).toHaveLength(2)
  symlinkSync(join(outside, "secret"), join(folder, "cat"))
  await expect(readLabelled(folder)).rejects.toThrow(/unsafe-path: .*cat is a link that leaves the data folder/)
  const other = tempFolder()
  writeFiles(other, { "dog/a.png": png(1, 1) })
  symlinkSync(join(outside, "secret", "a.png"), join(other, "dog", "b.png"))
  await expect(readLabelled(other)).rejects.toThrow(/unsafe-path: .*b\.png is a link that leaves the data folder/)
  expect((await readLabelled(folder, { followLinks: true })).classes).toEqual(["cat", "dog"])
  expect((await readLabelled(other, { followLinks: true })).labels).toHaveLength(2)
})

test("a picture of a kind that is not decoded is named, not passed over", async () => {
  const folder = tempFolder()
  writeFiles(folder, { "dog/a.png": png(1, 1), "dog/b.heic": Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic") })
  const { faults, labels } = await readLabelled(folder)
  expect(labels).toHaveLength(1)
  expect(faults).toMatchObject([
    { kind: "unreadable-image", file: "dog/b.heic", message: expect.stringContaining("HEIC") },
  ])
})

test("data with boxes are no classification set, and it is told which command takes them", async () => {
  const [voc, yolo] = [tempFolder(), tempFolder()]
  writeVocSample(voc, "")
  writeFiles(yolo, { "data.yaml": "train: images\nnames: [a]\n", "images/a.png": png(4, 4), "labels/a.txt": "" })
  const told = (folder: string, format: string) =>
    expect(readLabelled(folder)).rejects.toThrow(
      `${folder}: ${format} data, with boxes: \`train\` takes them. Expected`,
    )
  await told(voc, "VOC")
  await told(yolo, "YOLO")
  const asked = { classes: ["cat", "dog"] }
  await expect(readLabelled(voc, asked)).rejects.toThrow("VOC data, with boxes")
  const birds = tempFolder()
  writeFiles(birds, { "wren/a.png": png(4, 4) })
  await expect(readLabelled(birds, asked)).rejects.toThrow(
    `${birds}: no images of the classes that are asked for: cat, dog`,
  )
})

test.skipIf(withoutSharedData)("the CIFAR-10 subset reads: 10,000 and 2,000 images of ten classes", async () => {
  const folder = sharedData("cifar10-subset")
  const [train, test] = await Promise.all((["train", "test"] as const).map((split) => readLabelled(folder, { split })))
  expect([train!.labels.length, test!.labels.length]).toEqual([10_000, 2_000])
  expect(train!.classes).toHaveLength(10)
  expect(new Set(test!.labels).size).toBe(10)
})

test("a zip of class folders is read as they are, and where it was unpacked is told", async () => {
  vi.stubEnv("XDG_CACHE_HOME", tempFolder())
  const source = join(tempFolder(), "pets.zip")
  const picture = png(4, 3)
  const files = ["train/cat/a.png", "train/dog/b.png", "val/dog/c.png"].map(
    (name) => [`pets/${name}`, picture] as const,
  )
  writeFileSync(source, zipSync(Object.fromEntries(files)))
  const { labels, classes, notices } = await readLabelled(source, { split: "train" })
  expect([[...labels], classes]).toEqual([
    [0, 1],
    ["cat", "dog"],
  ])
  expect(notices).toEqual([expect.stringContaining(`${source} is unpacked in `)])
  expect((await (await readLabelled(source, { split: "val", classes })).image(0)).width).toBe(4)
  vi.unstubAllEnvs()
})
