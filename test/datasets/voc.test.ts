import { execFileSync } from "node:child_process"
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { readVoc } from "../../datasets/voc.js"
import { png, tempFolder, vocFile, vocObject, writeFiles, writeVocSample } from "./samples.js"

test("VOC corners, counted from 1, become 0-based continuous boxes", () => {
  const folder = tempFolder()
  writeVocSample(folder, vocObject("dog", [1, 2, 40, 30]) + vocObject("cat", [5, 6, 7, 8], "<difficult>1</difficult>"))
  const { images, classes, faults, format } = readVoc(folder)
  expect(format).toBe("voc")
  expect(classes).toEqual(["cat", "dog"])
  expect([...images[0]!.boxes]).toEqual([0, 1, 40, 30, 4, 5, 7, 8])
  expect([...images[0]!.labels]).toEqual([2, 1])
  expect([...images[0]!.difficult]).toEqual([0, 1])
  expect([...images[0]!.areas]).toEqual([40 * 29, 9])
  expect([images[0]!.width, images[0]!.height]).toEqual([40, 30])
  expect(faults).toEqual([])
})

test("a folder with a corner at 0 is read as 0-based in all its splits, and said so", () => {
  const folder = tempFolder()
  writeVocSample(folder, vocObject("dog", [3, 4, 20, 20]), {
    "Annotations/b.xml": vocFile(vocObject("dog", [0, 4, 20, 20])),
    "Annotations/c.xml": vocFile(vocObject("dog", [4, 0, 20, 20])),
  })
  const { images, notices } = readVoc(folder)
  expect([...images[0]!.boxes]).toEqual([3, 4, 20, 20])
  expect(notices!.join()).toContain("2 of 3 files have a corner at 0, such as Annotations/b.xml")
  expect([...readVoc(folder, { corners: "one-based" }).images[0]!.boxes]).toEqual([2, 3, 20, 20])
})

test("one file with a corner at 0, or a part of an object there, moves nothing; that is said", () => {
  const folder = tempFolder()
  const part = "<part><name>head</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></part>"
  writeVocSample(folder, vocObject("dog", [3, 4, 20, 20], part), {
    "Annotations/b.xml": vocFile(vocObject("dog", [0, 4, 20, 20])),
    "Annotations/c.xml": vocFile(vocObject("dog", [3, 4, 20, 20], part)),
  })
  const { images, notices } = readVoc(folder)
  expect([...images[0]!.boxes]).toEqual([2, 3, 20, 20])
  expect(notices!.join()).toContain("Annotations/b.xml alone has a corner at 0")
  expect([...readVoc(folder, { corners: "zero-based" }).images[0]!.boxes]).toEqual([3, 4, 20, 20])
})

test("classes outside VOC are sorted by name, and a name of digits stays as it is written", () => {
  const folder = tempFolder()
  writeVocSample(folder, vocObject("zebra", [1, 1, 9, 9]) + vocObject("007", [1, 1, 9, 9]))
  expect(readVoc(folder).classes).toEqual(["007", "zebra"])
})

test("named and numeric entities in a class name are letters", () => {
  const folder = tempFolder()
  writeVocSample(folder, vocObject("caf&#233; &amp; &lt;bar&gt;", [1, 1, 9, 9]))
  expect(readVoc(folder).classes).toEqual(["café & <bar>"])
})

test("given classes decide the labels, and a class that is not among them is a fault", () => {
  const folder = tempFolder()
  writeVocSample(folder, vocObject("dog", [1, 1, 9, 9]) + vocObject("dgo", [1, 1, 9, 9]))
  const { images, faults } = readVoc(folder, { classes: ["cat", "dog"] })
  expect([...images[0]!.labels]).toEqual([2])
  expect(faults).toEqual([
    {
      kind: "unknown-class",
      file: "Annotations/a.xml",
      object: 1,
      message: '"dgo" is not among the classes. Did you mean "dog"?',
      action: "skipped",
    },
  ])
})

test("an object without area is left out and named with its place in the file", () => {
  const folder = tempFolder()
  writeVocSample(folder, vocObject("dog", [5, 5, 5, 9]) + vocObject("dog", [9, 5, 5, 9]))
  const { images, faults } = readVoc(folder)
  expect([...images[0]!.boxes], "equal corners are a pixel").toEqual([4, 4, 5, 9])
  expect(faults).toMatchObject([{ kind: "zero-area-box", file: "Annotations/a.xml", object: 1, action: "skipped" }])
  expect(faults[0]!.message).toContain("perhaps swapped")
  expect(readVoc(folder, { corners: "zero-based" }).faults).toHaveLength(2)
})

test("a box that reaches outside is clipped, left out or refused, as the policy says", () => {
  const folder = tempFolder()
  writeVocSample(folder, vocObject("dog", [11, 11, 60, 20]))
  const clipped = readVoc(folder)
  expect([...clipped.images[0]!.boxes]).toEqual([10, 10, 40, 20])
  expect([...clipped.images[0]!.areas]).toEqual([300])
  expect(clipped.faults).toMatchObject([{ kind: "box-outside-image", action: "fixed" }])
  expect(readVoc(folder, { policies: { "box-outside-image": "skip" } }).images[0]!.labels.length).toBe(0)
  expect(() => readVoc(folder, { policies: { "box-outside-image": "fail" } })).toThrow(
    "Annotations/a.xml object 0: box-outside-image: the box [10, 10, 60, 20] reaches outside the 40x30 image",
  )
})

test("broken XML, missing files and missing numbers are named and skipped", () => {
  const folder = tempFolder()
  writeVocSample(folder, vocObject("dog", ["", 1, 9, 9]) + vocObject("dog", [1, 1, "x", 9]), {
    "Annotations/b.xml": "<annotation><object></annotation>",
    "Annotations/c.xml": vocFile(""),
    "Annotations/e.xml": '<!DOCTYPE a [<!ENTITY x "y">]><annotation></annotation>',
    "ImageSets/Main/train.txt": "a\nb\nc\nd\ne\na\n",
  })
  const { images, faults } = readVoc(folder)
  expect(images.map(({ id }) => id)).toEqual(["a"])
  expect(faults.map(({ kind, file, object }) => `${kind} ${file} ${object ?? "-"}`)).toEqual([
    "broken-annotation Annotations/b.xml -",
    "missing-image Annotations/c.xml -",
    "broken-annotation Annotations/d.xml -",
    "broken-annotation Annotations/e.xml -",
    "duplicate-id Annotations/a.xml -",
    "broken-annotation Annotations/a.xml 0",
    "broken-annotation Annotations/a.xml 1",
  ])
})

test("an image without objects stays", () => {
  const folder = tempFolder()
  writeVocSample(folder, "")
  expect(readVoc(folder).images[0]!.boxes.length).toBe(0)
})

test.each(["../b", "/etc/passwd", "x/../../b", "..\\b", "C:\\b"])("the name %j in a list is refused", (name) => {
  const folder = tempFolder()
  writeVocSample(folder, "", { "ImageSets/Main/train.txt": `${name}\n` })
  expect(() => readVoc(folder)).toThrow("leaves the data folder")
})

test("the file name in an annotation is not used, whatever it is", () => {
  const folder = tempFolder()
  writeVocSample(folder, "", {
    "Annotations/a.xml": "<annotation><filename>C:\\Users\\me\\a.png</filename></annotation>",
  })
  expect(readVoc(folder).images.map(({ file }) => file)).toEqual([join(folder, "JPEGImages", "a.png")])
})

test("a link that leads out of the folder is refused", () => {
  const folder = tempFolder()
  const outside = tempFolder()
  writeFiles(outside, { "b.png": "x" })
  writeVocSample(folder, "", { "Annotations/b.xml": vocFile(""), "ImageSets/Main/train.txt": "b\n" })
  symlinkSync(join(outside, "b.png"), join(folder, "JPEGImages", "b.png"))
  expect(() => readVoc(folder)).toThrow("is a link that leaves the data folder")
})

test("a split that is not there is refused with the nearest name", () => {
  const folder = tempFolder()
  writeVocSample(folder, "")
  expect(() => readVoc(folder, { split: "trian" })).toThrow('Did you mean "train"? There: train')
})

test("without ImageSets all images are taken, and that is said", () => {
  const folder = tempFolder()
  writeFiles(folder, { "JPEGImages/a.png": "x", "Annotations/a.xml": vocFile("") })
  const { images, notices } = readVoc(folder, { split: "val" })
  expect(images.length).toBe(1)
  expect(notices!.join()).toContain("has no ImageSets/Main")
})

test("years joined with + or found in a VOCdevkit come as one set; equal names stay apart", () => {
  const folder = tempFolder()
  for (const year of ["VOC2007", "VOC2012"]) {
    writeVocSample(join(folder, "VOCdevkit", year), vocObject(year === "VOC2007" ? "cat" : "dog", [1, 1, 9, 9]))
  }
  const joined = readVoc(join(folder, "VOCdevkit", "VOC2007+VOC2012"))
  expect(joined.images.map(({ id }) => id)).toEqual(["a", "VOC2012/a"])
  expect(joined.images.map(({ imageId }) => imageId)).toEqual([1, 2])
  expect(joined.classes).toEqual(["cat", "dog"])
  expect(joined.images[1]!.file).toContain("VOC2012")
  expect(readVoc(folder).images).toEqual(joined.images)
})

test.skipIf(process.platform === "win32")(
  "a pipe in the place of an annotation is told, never waited for",
  async () => {
    const folder = tempFolder()
    writeFiles(folder, {
      "JPEGImages/a.png": png(9, 9),
      "ImageSets/Main/train.txt": "a\n",
      "Annotations/b.xml": "<annotation/>",
    })
    execFileSync("mkfifo", [join(folder, "Annotations", "a.xml")])
    const { faults } = await readVoc(folder, { split: "train" })
    expect(faults).toMatchObject([{ kind: "broken-annotation", message: "it is a pipe or a device, not a file" }])
  },
)
