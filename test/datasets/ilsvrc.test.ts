import { readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { readMatlab } from "../../datasets/matlab-file.js"
import { readLabelled } from "../../datasets/read-labelled.js"
import { tarOf } from "../support/tar-files.js"
import { png, tempFolder, writeFiles } from "./samples.js"

const golden = JSON.parse(readFileSync("test/golden/devkit.json", "utf8")) as {
  readonly synsets: readonly [number, string, string, string, number, readonly number[], number, number][]
  readonly plain: string
  readonly compressed: string
}
const meta = Buffer.from(golden.compressed, "base64")
const truthName = "ILSVRC2012_validation_ground_truth.txt"
const valTar = "ILSVRC2012_img_val.tar"
const numbered = (n: number) => `ILSVRC2012_val_0000000${n}.JPEG`

/** Images 1 to 4 of the kit's classes 3, 1, 2, 3, of widths 1 to 4, and not in their order. */
function validation(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = tempFolder()
  writeFiles(folder, {
    [valTar]: tarOf(Object.fromEntries([2, 1, 4, 3].map((n) => [numbered(n), png(n, 5)]))),
    [`ILSVRC2012_devkit_t12/data/${truthName}`]: "3\n1\n2\n3\n",
    "ILSVRC2012_devkit_t12/data/meta.mat": meta,
    ...files,
  })
  return folder
}

const sorted = ["n01440764", "n02100735", "n02119789"]

test("MATLAB's structures are read as scipy wrote them, compressed or not", () => {
  for (const file of [golden.plain, golden.compressed]) {
    const synsets = readMatlab(Buffer.from(file, "base64"), "meta.mat").get("synsets") as readonly object[]
    expect(synsets).toEqual(
      golden.synsets.map(([id, wnid, words, gloss, count, children, height, images]) => ({
        ...{ ILSVRC2012_ID: [id], WNID: wnid, words, gloss, num_children: [count], children },
        ...{ wordnet_height: [height], num_train_images: [images] },
      })),
    )
  }
})

test.each([
  [Buffer.from("no MATLAB"), "no MATLAB file of version 5"],
  [meta.subarray(0, 200), "the MATLAB file is broken (an element reaches beyond its end)"],
  [Buffer.concat([meta.subarray(0, 140), Buffer.alloc(meta.length - 140)]), "a variable cannot be unpacked"],
])("MATLAB file %# that is broken is refused", (bytes, message) => {
  expect(() => readMatlab(bytes, "meta.mat")).toThrow(message)
})

test("a MATLAB array that says it has more structures than bytes is refused", () => {
  const bytes = Buffer.from(golden.plain, "base64")
  // The dimensions of `synsets`, 4 by 1.
  const at = bytes.indexOf(Buffer.from([5, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0]), 128)
  bytes.writeInt32LE(2 ** 30, at + 8)
  expect(() => readMatlab(bytes, "meta.mat")).toThrow(/broken \(1073741824 structures in \d+ bytes\)/)
})

test("validation images have the classes of the kit's numbers, and those are sorted as networks have them", async () => {
  const folder = validation()
  for (const source of [folder, join(folder, valTar)]) {
    const set = await readLabelled(source, { split: "val" })
    expect(set).toMatchObject({ format: "ilsvrc", split: "val", classes: sorted })
    expect([0, 1, 2, 3].map((n) => set.name(n))).toEqual([1, 2, 3, 4].map(numbered))
    expect([...set.labels].map((label) => set.classes[label])).toEqual([
      "n01440764",
      "n02119789",
      "n02100735",
      "n01440764",
    ])
    expect(await set.image(2)).toMatchObject({ width: 3, height: 5 })
    expect(set.notices?.[0]).toMatch(/ILSVRC2012_validation_ground_truth\.txt, by meta\.mat$/)
  }
})

test("the kit may be packed, or have its classes in map_clsloc.txt; images may lie in val/", async () => {
  const labels = [0, 2, 1, 0]
  const folder = tempFolder()
  const kit = tarOf({ [`kit/data/${truthName}`]: "3\n1\n2\n3\n", "kit/data/meta.mat": meta })
  const flat = Object.fromEntries([1, 2, 3, 4].map((n) => [`val/${numbered(n)}`, png(n, 5)]))
  writeFiles(folder, { "ILSVRC2012_devkit_t12.tar.gz": gzipSync(kit), ...flat })
  expect([...(await readLabelled(folder, { split: "val" })).labels]).toEqual(labels)
  const other = tempFolder()
  const map = "n02119789 1 kit_fox\nn02100735 2 English_setter\nn01440764 3 tench\n"
  writeFiles(other, { [`devkit/data/${truthName}`]: "3\n1\n2\n3\n", "devkit/data/map_clsloc.txt": map, ...flat })
  const set = await readLabelled(other, { split: "val", classes: ["n02119789", "n01440764"] })
  expect([...set.labels]).toEqual([1, 0, 1])
  expect(set.faults).toMatchObject([{ kind: "unknown-class", file: `val/${numbered(3)}` }])
})

test("training images lie in an archive for each class; a folder of classes goes before an archive", async () => {
  const folder = validation({
    "ILSVRC2012_img_train.tar": tarOf({
      "n02119789.tar": tarOf({ "n02119789_1.JPEG": png(1, 1), "n02119789_2.JPEG": png(2, 1) }),
      "n01440764.tar": tarOf({ "n01440764_9.JPEG": png(3, 1) }),
    }),
  })
  const set = await readLabelled(folder)
  expect(set).toMatchObject({
    format: "ilsvrc",
    split: "train",
    classes: ["n01440764", "n02119789"],
    labels: Int32Array.of(0, 1, 1),
  })
  expect(set.name(1)).toBe("n02119789/n02119789_1.JPEG")
  expect((await Promise.all([0, 1, 2].map((n) => set.image(n)))).map(({ width }) => width)).toEqual([3, 1, 2])
  writeFiles(folder, { "train/n00000007/a.png": png(1, 1) })
  expect(await readLabelled(folder)).toMatchObject({ format: "folder", classes: ["n00000007"] })
  expect((await readLabelled(folder, { split: "val" })).format).toBe("ilsvrc")
})

const kitFile = (name: string) => `ILSVRC2012_devkit_t12/data/${name}`
test.each([
  [{ [kitFile(truthName)]: "3\n1\n9\n3\n" }, 'line 3: expected the number of one of 3 classes, got "9"'],
  [
    { [kitFile(truthName)]: "3\n1\n2\n" },
    `has 3 lines, so that "${numbered(4)}" has no class. Is it the kit of these images?`,
  ],
  [{ [kitFile("meta.mat")]: "" }, "meta.mat: no MATLAB file of version 5"],
  [{ [valTar]: tarOf({ "a.JPEG": "x" }) }, 'expected images called ILSVRC2012_val_00000001.JPEG, got "a.JPEG"'],
  [{ [valTar]: Buffer.concat([tarOf({ [numbered(1)]: "x" })]).subarray(0, 600) }, "the archive is cut off"],
  [{ [valTar]: tarOf({ [numbered(1)]: "x", [`b/${numbered(1)}`]: "y" }) }, `"${numbered(1)}" is in it twice`],
])("what does not go together %# is said in one line", async (files, message) => {
  await expect(readLabelled(validation(files as Record<string, string>), { split: "val" })).rejects.toThrow(message)
})

test("without the kit a line says what to put where, and a link out of the folder is refused", async () => {
  const folder = tempFolder()
  writeFileSync(join(folder, valTar), tarOf({ [numbered(1)]: png(1, 1) }))
  await expect(readLabelled(folder, { split: "val" })).rejects.toThrow(
    /put ILSVRC2012_devkit_t12\.tar\.gz there, or its files/,
  )
  await expect(readLabelled(join(folder, valTar))).rejects.toThrow(
    /no split "train": expected train or val, ILSVRC2012_img_val\.tar is another/,
  )
  const other = tempFolder()
  symlinkSync(join(folder, valTar), join(other, valTar))
  await expect(readLabelled(other, { split: "val" })).rejects.toThrow(
    /unsafe-path: .* is a link that leaves the data folder/,
  )
})
