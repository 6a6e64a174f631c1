import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { decodeImage } from "../../datasets/image/decode.js"
import { png, tempFolder, vocFile, vocObject, writeFiles, writeVocSample } from "../datasets/samples.js"
import { shown, twins, writeTwin } from "../datasets/turned-photos.js"
import { runCommand } from "../support/run-command.js"

async function run(...words: readonly string[]) {
  const result = await runCommand("dataset", ...words)
  return { ...result, lines: result.out.split("\n").filter(Boolean) }
}

function sample(objects: string): string {
  const folder = tempFolder()
  writeVocSample(join(folder, "data"), objects)
  return folder
}

test.each(["voc", "coco", "yolo"])(
  "joined splits are written as %s under a name that is read again",
  async (format) => {
    const folder = sample(vocObject("dog", [1, 1, 9, 9]))
    writeFiles(join(folder, "data"), {
      "JPEGImages/b.png": png(40, 30),
      "Annotations/b.xml": vocFile(vocObject("dog", [1, 1, 9, 9])),
      "ImageSets/Main/val.txt": "b\n",
    })
    const out = join(folder, "joined")
    const written = await run("convert", join(folder, "data"), "--split", "train+val", "--to", format, "--out", out)
    expect(written).toMatchObject({ code: 0, said: expect.stringContaining("split train+val is written as train\n") })
    expect((await run("check", out)).said).toContain("split train: 2 images")
  },
)

test("check names each fault with file and object and ends with 3; a clean set ends with 0", async () => {
  const dirty = await run(
    "check",
    join(sample(vocObject("dog", [1, 1, 9, 9]) + vocObject("dog", [6, 5, 5, 5])), "data"),
  )
  expect(dirty.code).toBe(3)
  expect(dirty.lines).toEqual([
    "train: Annotations/a.xml object 1: zero-area-box: the corners 6 5 5 5 enclose no area: the greater ones come first, they are perhaps swapped",
    "1 faults: 1 zero-area-box",
  ])
  const clean = await run("check", join(sample(vocObject("dog", [1, 1, 9, 9])), "data"))
  expect([clean.code, clean.lines]).toEqual([0, ["no faults"]])
})

test("what comes next reads the data as they were read", async () => {
  const data = join(sample(vocObject("dog", [1, 1, 9, 9])), "data")
  const faulty = join(sample(vocObject("dog", [1, 1, 9, 9]) + vocObject("dog", [6, 5, 5, 5])), "data")
  const how = ["--corners", "zero-based", "--size-mismatch", "scale"]
  const next = async (...words: string[]) => /^next: npx resdet (.*)$/m.exec((await run(...words)).said)?.[1]
  expect([
    await next("check", data, ...how, "--split", "train"),
    await next("stats", data, ...how),
    await next("check", data),
    await next("check", faulty, ...how, "--split", "train", "--headers"),
    await next("check", faulty, ...how, "--fix", join(faulty, "../mended")),
  ]).toEqual([
    `train --data ${data} ${how.join(" ")}`,
    `anchors --data ${data} ${how.join(" ")}`,
    `train --data ${data}`,
    `dataset check --data ${faulty} --split train ${how.join(" ")} --headers --fix <folder>`,
    `train --data ${join(faulty, "../mended")}`,
  ])
})

test("check --json - prints one document and nothing else", async () => {
  const { out, code } = await run("check", join(sample(vocObject("dog", [1, 1, 99, 9])), "data"), "--json", "-")
  expect(code).toBe(3)
  expect(JSON.parse(out)).toMatchObject({
    format: "voc",
    splits: [{ split: "train", images: 1, classes: ["dog"] }],
    counts: { "box-outside-image": 1 },
    faults: [{ split: "train", kind: "box-outside-image", file: "Annotations/a.xml", object: 0, action: "fixed" }],
  })
})

test("convert writes the other format, and split divides all images", async () => {
  const folder = sample(vocObject("dog", [1, 1, 9, 9]))
  const more = {
    "JPEGImages/b.png": png(40, 30),
    "Annotations/b.xml": vocFile(""),
    "ImageSets/Main/train.txt": "a\nb\n",
  }
  writeVocSample(join(folder, "data"), vocObject("dog", [1, 1, 9, 9]), more)
  expect((await run("convert", join(folder, "data"), "--to", "coco", "--out", join(folder, "coco"))).code).toBe(0)
  const json = JSON.parse(readFileSync(join(folder, "coco", "annotations", "instances_train.json"), "utf8"))
  expect(json.annotations).toMatchObject([{ bbox: [0, 0, 9, 9], area: 81 }])
  const { lines } = await run("split", join(folder, "data"), "--val", "0.5", "--out", join(folder, "halves"))
  expect(lines).toEqual(["train 1", "val 1"])
  expect(existsSync(join(folder, "halves", "ImageSets", "Main", "trainval.txt"))).toBe(true)
})

test("demo makes a set that stats counts and view draws", async () => {
  const folder = tempFolder()
  const demo = join(folder, "demo")
  await run("demo", demo, "--images", "3", "--val-images", "1", "--shapes")
  const { splits } = JSON.parse((await run("stats", demo, "--json", "-")).out)
  expect(splits.map(({ images }: { images: number }) => images)).toEqual([3, 1])
  const view = await run("view", demo, "--count", "2", "--out", join(folder, "seen"))
  expect(view.lines.length).toBe(3)
  expect(view.lines.every((path) => existsSync(path))).toBe(true)
})

test("view ends with 3 when an image cannot be drawn, and draws the others", async () => {
  const folder = sample(vocObject("dog", [1, 1, 9, 9]))
  const more = { "JPEGImages/b.png": "not an image", "Annotations/b.xml": vocFile("") }
  writeVocSample(join(folder, "data"), vocObject("dog", [1, 1, 9, 9]), {
    ...more,
    "ImageSets/Main/train.txt": "a\nb\n",
  })
  const { code, lines, said } = await run("view", join(folder, "data"), "--out", join(folder, "seen"))
  expect([code, lines.length]).toEqual([3, 1])
  expect(said).toMatch(/b\.png: unreadable-image: .* \(skipped\)\n/)
  expect(said).toMatch(/error: .*: images that could not be drawn: 1\n$/)
})

describe("suspected label errors", () => {
  const box = [2, 3, 10, 12]
  const suspects = [
    { kind: "missing", imageId: 2, imageName: "b.png", bbox: box, found: "cat", score: 0.9, suspicion: 0.97 },
    { kind: "class", imageId: 1, imageName: "a", bbox: box, truthId: 1, labelled: "dog", found: "cat", suspicion: 0.6 },
    { kind: "spurious", imageId: 2, imageName: "b", bbox: box, truthId: 2, labelled: "dog", suspicion: 0.4 },
  ]
  /** A data set of two images in train, one of three in val, and a list of suspects of the former. */
  function withSuspects(document: unknown = { images: 2, suspects }, objects = vocObject("dog", [3, 4, 12, 15])) {
    const folder = sample(objects)
    const data = join(folder, "data")
    writeVocSample(data, objects, {
      "JPEGImages/b.png": png(40, 30),
      "JPEGImages/c.png": png(40, 30),
      "Annotations/b.xml": vocFile(vocObject("dog", [3, 4, 12, 15])),
      "Annotations/c.xml": vocFile(vocObject("cat", [3, 4, 12, 15])),
      "ImageSets/Main/train.txt": "a\nb\n",
      "ImageSets/Main/val.txt": "b\nc\n",
    })
    const file = join(folder, "eval.json")
    writeFileSync(file, typeof document === "string" ? document : JSON.stringify(document))
    return { data, file, out: join(folder, "seen") }
  }

  test("names of others are shown, and cut", async () => {
    const [first] = suspects as [object]
    const { data, file } = withSuspects([{ ...first, found: `\x1b[2J${"x".repeat(5000)}` }])
    const { lines } = await run("check", data, "--suspects", file)
    expect(lines.find((line) => line.includes("without a label"))).toMatch(
      /^train: b: \\x1b\[2Jx+\.\.\.x+ without a label/,
    )
  })

  test("check lists and counts them, which changes its exit code neither with faults nor without", async () => {
    const { data, file } = withSuspects()
    const { code, lines } = await run("check", data, "--suspects", file)
    expect(code).toBe(0)
    expect(lines).toEqual([
      "no faults",
      "2 images of train are in val too, such as b: what is measured there says nothing of new photos",
      "train: b: cat without a label (97.0)",
      "train: a: labelled dog, looks like cat (60.0)",
      "train: b: labelled dog, nothing found (40.0)",
      "3 suspected label errors: 1 missing, 1 class, 1 spurious",
    ])
    const dirty = withSuspects([], vocObject("dog", [6, 5, 5, 5]))
    expect((await run("check", dirty.data, "--suspects", dirty.file)).code).toBe(3)
    const { suspects: told } = JSON.parse((await run("check", data, "--suspects", file, "--json", "-")).out)
    expect(told).toMatchObject({ counts: { missing: 1, class: 1, spurious: 1 }, list: [{ split: "train" }, {}, {}] })
  })

  test("view draws their images, the most suspicious first, with a frame around each", async () => {
    const { data, file, out } = withSuspects()
    const { code, lines } = await run("view", data, "--suspects", file, "--out", out)
    expect(code).toBe(0)
    expect(lines).toEqual([
      join(out, "train", "b.jpg"),
      "  b: cat without a label (97.0)",
      "  b: labelled dog, nothing found (40.0)",
      join(out, "train", "a.jpg"),
      "  a: labelled dog, looks like cat (60.0)",
    ])
    const { data: pixels, width } = await decodeImage(join(out, "train", "a.jpg"))
    const at = (x: number, y: number) => [...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)]
    const frame = at(11, 14)
    expect(frame.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(200)
    expect((await run("view", data, "--suspects", file, "--out", out, "--count", "1")).lines[0]).toMatch(/b\.jpg$/)
  })

  test.each([
    ["not JSON", "no", /eval\.json: expected a document of eval --suspects --json: /],
    ["a document without them", { images: 2 }, /eval\.json: expected "suspects"\. Make them with eval --suspects/],
    ["a broken one", [{ ...suspects[0], bbox: [1, 2] }], /eval\.json: suspect 0\.bbox/],
    [
      "those of other data",
      [{ ...suspects[0], imageName: "x" }],
      /suspect 0: no image "x" in .*data \(split train, val\)/,
    ],
  ])("a file with %s is refused in one line", async (_, document, message) => {
    const { data, file, out } = withSuspects(document)
    for (const words of [["check"], ["view", "--out", out]]) {
      const { code, said } = await run(words[0]!, data, ...words.slice(1), "--suspects", file)
      expect(code).toBe(3)
      expect(said).toMatch(message)
    }
  })
})

test("the binary ends with 3 when a data set has faults", () => {
  const data = join(sample(vocObject("dog", [1, 1, 9, 9]) + vocObject("dog", [6, 5, 5, 5])), "data")
  const ended = spawnSync(process.execPath, ["bin/resdet.js", "dataset", "check", data], { encoding: "utf8" })
  expect(ended.status).toBe(3)
  expect(ended.stdout).toMatch(/1 faults: 1 zero-area-box\n$/)
})

test("nothing to learn from ends with 3, in check, split and anchors, with the first cause", async () => {
  const folder = tempFolder()
  writeFiles(folder, { "data.yaml": "train: images\nnames: [cat]\n", "images/a.png": png(40, 30) })
  const cause = `${folder}: split train has no objects: none of 1 images has one; 0 of 1 images have a label file; looked for labels/a.txt`
  for (const words of [
    ["check", folder],
    ["split", folder, "--out", join(folder, "out")],
  ]) {
    const { code, said } = await run(...words)
    expect([code, said.includes(`error: ${cause}\n`)]).toEqual([3, true])
  }
  const anchors = await runCommand("anchors", "--data", folder)
  expect([anchors.code, anchors.said.includes(cause)]).toEqual([3, true])
})

test("check --fix says what it did and ends with 0", async () => {
  const folder = sample(vocObject("dog", [1, 1, 99, 9]))
  const out = join(folder, "fixed")
  expect(await run("check", join(folder, "data"), "--fix", out)).toMatchObject({
    code: 0,
    lines: [
      "train: Annotations/a.xml object 0: box-outside-image: the box [0, 0, 99, 9] reaches outside the 40x30 image (fixed)",
      "1 faults: 1 box-outside-image",
      `mended copy: ${out} (voc)`,
    ],
  })
})

test("a configuration file can hold the data", async () => {
  const folder = sample(vocObject("dog", [1, 1, 9, 9]))
  writeFileSync(join(folder, "check.yaml"), "data: data\nheaders: true\n")
  expect(await run("check", "--config", join(folder, "check.yaml"))).toMatchObject({ code: 0, lines: ["no faults"] })
})

test.each([
  [
    ["convert", "x", "--to", "coko", "--out", "y"],
    /^error: --to: expected one of voc, coco, yolo, labelme, csv, got "coko"\. Did you mean "coco"\?$/,
  ],
  [["split", "x", "--val", "2", "--out", "y"], /^error: --val: expected a number below 1, got 2$/],
  [["check", "x", "--corners", "two"], /^error: --corners: expected one of auto, one-based, zero-based, got "two"$/],
  [["check"], /^error: dataset check needs <data>: a VOC folder/],
])("dataset %j is refused in one line", async (words, message) => {
  const { code, said } = await run(...words)
  expect(said.trimEnd()).toMatch(message)
  expect(code).toBe(2)
})

test("data that are not there are one line and bad data", async () => {
  const { code, said } = await run("check", "/no/such/place")
  expect([code, said]).toEqual([3, expect.stringMatching(/^error: No data at \/no\/such\/place.*\n$/)])
})

test.each(twins)("view draws the boxes of %s photos around what they were drawn around", async (twin) => {
  const folder = tempFolder()
  const { lines, code } = await run("view", await writeTwin(folder, twin), "--out", join(folder, "seen"))
  expect([lines, code]).toEqual([[join(folder, "seen", "train", "a.jpg")], 0])
  const { data, width, height } = await decodeImage(lines[0]!)
  expect([width, height]).toEqual([shown.width, shown.height])
  const [x1, , x2, y2] = shown.box
  const at = (x: number, y: number) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)]
  // Bright inside, a coloured line along the edge, dark outside.
  expect(Math.min(...at((x1 + x2) / 2, y2 - 3))).toBeGreaterThan(180)
  const line = at((x1 + x2) / 2, y2 - 1)
  expect(Math.max(...line) - Math.min(...line)).toBeGreaterThan(80)
  expect(Math.max(...at(x1 - 5, y2 + 5))).toBeLessThan(90)
})

test("a photo that cannot be read is left out of view and convert, and ends view with 3", async () => {
  const folder = sample(vocObject("dog", [1, 1, 9, 9]))
  writeFiles(join(folder, "data"), { "JPEGImages/a.png": "no image" })
  expect(await run("view", join(folder, "data"), "--out", join(folder, "seen"))).toMatchObject({ lines: [], code: 3 })
  const { code } = await run("convert", join(folder, "data"), "--to", "coco", "--out", join(folder, "coco"))
  expect(code).toBe(0)
  const json = JSON.parse(readFileSync(join(folder, "coco", "annotations", "instances_train.json"), "utf8"))
  expect(json.images).toEqual([])
})

test("eval --metrics imagenet-det asks less of small boxes, with ImageNet's own folders", async () => {
  const folder = tempFolder()
  // 10 x 10 pixels: an overlap of 100 / (20 * 20) is enough.
  const xml =
    "<annotation><object><name>n01</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"
  writeFiles(folder, {
    "Data/DET/val/a.JPEG": png(40, 30),
    "Annotations/DET/val/a.xml": xml,
    "ImageSets/DET/val.txt": "a 1\n",
    "found.json": JSON.stringify([{ image_id: "a", category_id: 1, bbox: [0, 0, 10, 3], score: 0.9 }]),
  })
  const words = [
    "--gt",
    folder,
    "--predictions",
    join(folder, "found.json"),
    "--metrics",
    "imagenet-det,voc12",
    "--json",
    "-",
  ]
  const { out, code, said } = await runCommand("eval", ...words)
  expect([code, said]).toMatchObject([0, expect.anything()])
  expect(JSON.parse(out)).toMatchObject({ "imagenet-det": { mAP: 1, perClass: { n01: 1 } }, voc12: { mAP: 0 } })
})
