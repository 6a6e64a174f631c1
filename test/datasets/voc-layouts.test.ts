import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { readVoc } from "../../datasets/voc.js"
import { png, tempFolder, vocFile, vocObject, writeFiles, writeVocSample } from "./samples.js"

const [picture, xml] = [png(40, 30), vocFile(vocObject("dog", [1, 1, 9, 9]))]

function write(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = tempFolder()
  writeFiles(folder, files)
  return folder
}

const usual = {
  "JPEGImages/a.png": picture,
  "JPEGImages/b 1.png": picture,
  "Annotations/a.xml": xml,
  "Annotations/b 1.xml": xml,
}

/** Layouts that label tools leave; all have the images `a` and `b 1` in split train. */
const layouts: Record<string, Readonly<Record<string, string | Uint8Array>>> = {
  "names that end like a class's flag": { ...usual, "ImageSets/Main/train.txt": "a\nb 1\n" },
  "names with flags": { ...usual, "ImageSets/Main/train.txt": "a  1\nb 1 -1\n" },
  "names with endings": { ...usual, "ImageSets/Main/train.txt": "a.png\nb 1.png\n" },
  "names with paths": { ...usual, "ImageSets/Main/train.txt": "JPEGImages/a.png\n./JPEGImages/b 1.png\n" },
  "names in quotes, a byte order mark": { ...usual, "ImageSets/Main/train.txt": '\ufeff"a"\r\n\r\n"b 1"\r\n' },
  "lists in ImageSets": { ...usual, "ImageSets/train.txt": "a\nb 1\n" },
  "VoTT's lists of one class each": {
    ...usual,
    "ImageSets/Main/dog_train.txt": "a.png 1\nb 1.png -1\n",
    "ImageSets/Main/cat_train.txt": "a.png -1\nb 1.png -1\n",
    "ImageSets/Main/dog_val.txt": "c.png 1\n",
  },
  "one list, which is no split": { ...usual, "ImageSets/Main/default.txt": "a\nb 1\n" },
  "images and annotations": {
    "images/a.png": picture,
    "images/b 1.png": picture,
    "annotations/a.xml": xml,
    "annotations/b 1.xml": xml,
  },
  "XML beside the images, in folders of splits": {
    "train/a.png": picture,
    "train/a.xml": xml,
    "train/b 1.png": picture,
    "train/b 1.xml": xml,
    "valid/c.png": picture,
    "valid/c.xml": xml,
  },
  "XML beside the images": { "a.png": picture, "a.xml": xml, "b 1.png": picture, "b 1.xml": xml },
  "XML and images in other cases": {
    "JPEGImages/a.PNG": picture,
    "JPEGImages/b 1.png": picture,
    "Annotations/A.XML": xml,
    "Annotations/b 1.Xml": xml,
    "ImageSets/Main/train.txt": "a\nb 1\n",
  },
  "macOS's companions": { ...usual, "Annotations/._a.xml": "\0\x05", "JPEGImages/._a.png": "\0\x05" },
}

describe("a layout of label tools is read", () => {
  test.each(Object.entries(layouts))("%s", (_, files) => {
    const { images, faults } = readVoc(write(files))
    expect(faults).toEqual([])
    expect(images.map(({ id }) => id.toLowerCase())).toEqual(["a", "b 1"])
    expect(images.map(({ labels }) => [...labels])).toEqual([[1], [1]])
  })
})

test("sub-folders of images are searched, and those of annotations read", () => {
  const flat = write({ "JPEGImages/x/a.png": picture, "Annotations/a.xml": xml })
  expect(readVoc(flat).images.map(({ file }) => file)).toEqual([join(flat, "JPEGImages/x/a.png")])
  const deep = write({
    "JPEGImages/x/a.png": picture,
    "JPEGImages/y/a.png": picture,
    "Annotations/x/a.xml": xml,
    "Annotations/y/a.xml": xml,
  })
  expect(readVoc(deep).images.map(({ id }) => id)).toEqual(["x/a", "y/a"])
})

test("an annotation is called after its image's whole name in some tools", () => {
  const folder = write({ "JPEGImages/a.png": picture, "Annotations/a.png.xml": xml })
  expect(readVoc(folder).images.map(({ file }) => file)).toEqual([join(folder, "JPEGImages/a.png")])
})

test("images without an annotation file are counted, and pictures that are not decoded are named", () => {
  const heic = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic")
  const folder = write({ ...usual, "JPEGImages/c.png": picture, "JPEGImages/d.heic": heic, "Annotations/d.xml": xml })
  const { faults, notices } = readVoc(folder)
  expect(notices!.join("\n")).toContain("1 images have no annotation file and are left out, such as c.png")
  expect(faults).toMatchObject([{ kind: "unreadable-image", message: expect.stringContaining("HEIC") }])
})

test("a file is read in the encoding that it declares, and names match in either Unicode form", () => {
  const named = (name: string, encoding: string) =>
    `<?xml version="1.0" encoding="${encoding}"?>${vocFile(vocObject(name, [1, 1, 9, 9]))}`
  const folder = write({
    "JPEGImages/a.png": picture,
    "JPEGImages/b.png": picture,
    [`JPEGImages/${"é".normalize("NFD")}.png`]: picture,
    "Annotations/a.xml": Buffer.from(named("Straße", "ISO-8859-1"), "latin1"),
    "Annotations/b.xml": Buffer.from(`\ufeff${named("猫", "utf-16")}`, "utf16le"),
    [`Annotations/${"é".normalize("NFC")}.xml`]: named("chat", "UTF-8"),
    "Annotations/z.xml": named("x", "no-such-code"),
  })
  const { classes, faults, images } = readVoc(folder)
  expect(classes).toEqual(["Straße", "chat", "猫"])
  expect(images.length).toBe(3)
  expect(faults.map(({ message }) => message)).toEqual([
    expect.stringContaining('the encoding "no-such-code", which is not known'),
  ])
})

test("difficult is said in several ways", () => {
  const flags = ["1", "True", "yes", " 1 ", "1.0", "0", "false", "", "Unspecified"]
  const folder = tempFolder()
  writeVocSample(folder, flags.map((flag) => vocObject("dog", [1, 1, 9, 9], `<difficult>${flag}</difficult>`)).join(""))
  expect([...readVoc(folder).images[0]!.difficult]).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0])
})

test("an object without a box says what it has instead; a prefix of names is no matter", () => {
  const folder = tempFolder()
  const objects = [
    "<object><name>dog</name></object>",
    "<object><name>dog</name><robndbox><cx>1</cx></robndbox></object>",
    "<object><name>dog</name><bndbox><x1>1</x1></bndbox></object>",
    "<object><name>dog</name><bndbox><xmin>1</xmin></bndbox><bndbox/></object>",
    "<object/>",
  ]
  writeVocSample(folder, objects.join(""))
  expect(readVoc(folder).faults.map(({ message }) => message)).toEqual([
    "the object has no <bndbox>",
    "the object has no <bndbox>, only a <robndbox>",
    "the object's <bndbox> has no <xmin>",
    "the object has 2 <bndbox>, expected one",
    "the object has no <name>",
  ])
  const prefixed = xml
    .replace("<annotation>", '<v:annotation xmlns:v="urn:x">')
    .replace("</annotation>", "</v:annotation>")
  expect(readVoc(write({ ...usual, "Annotations/a.xml": prefixed })).faults).toEqual([])
})
