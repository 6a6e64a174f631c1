import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { saveImage } from "../../datasets/image/draw.js"
import { evalDocument, formatReport, formatSummary } from "../../src/cli/eval-report.js"
import { scorePredictions } from "../../src/tasks/score-predictions.js"
import { tempFolder, vocObject, writeFiles, writeVocSample } from "../datasets/samples.js"
import { type PlainFile, type PlainResult, result, truthFile } from "../eval/support/cases.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"

const file = truthFile([{ box: [0, 0, 100, 100] }, { box: [300, 0, 100, 100], image: 2, category: 2 }], 2, 3)
const results = [result([0, 0, 100, 100], 0.9), result([300, 0, 100, 60], 0.7, 2, 2)]

/** Writes files into a new folder: a text for a name. */
function folder(files: Readonly<Record<string, string>>, path = tempFolder()): (name?: string) => string {
  writeFiles(path, files)
  return (name = "") => join(path, name)
}

const writtenTo = (below: string, files: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${below}/${name}`, text]))

const forAll = mkdtempSync(join(tmpdir(), "resdet-eval-"))
afterAll(() => rmSync(forAll, { recursive: true }))
const saved = folder({ "truths.json": JSON.stringify(file), "results.json": JSON.stringify(results) }, forAll)

test("COCO files are scored, and the document has the contract's shape", async () => {
  const report = await scorePredictions({ gt: saved("truths.json"), predictions: saved("results.json") })
  const document = JSON.parse(JSON.stringify(evalDocument(report)))
  expect(document).toMatchObject({ images: 2, truths: 2, detections: 2 })
  expect(Object.keys(document.coco)).toEqual("AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl".split(" "))
  expect(document.coco.APs).toBeNull()
  expect(document.coco.AP).toBeCloseTo((1 + 0.3) / 2, 12)
  expect(document.voc12).toMatchObject({ mAP: 1, perClass: { "class 1": 1, "class 2": 1, "class 3": null } })
  expect(document.voc07.mAP).toBeCloseTo(1, 12)
  expect(document.perClass[1]).toMatchObject({ name: "class 2", truths: 1, AP75: 0 })
  expect(document.perClass[2]).toMatchObject({ name: "class 3", truths: 0, AP: null, bestThreshold: null })
})

test("only the metrics asked for are in the document; an unknown one is refused with the nearest", async () => {
  const files = { gt: saved("truths.json"), predictions: saved("results.json") }
  const document = evalDocument(await scorePredictions({ ...files, metrics: ["voc12"] }))
  expect([document.coco, document.voc07, document.voc12?.mAP]).toEqual([undefined, undefined, 1])
  await expect(scorePredictions({ ...files, metrics: ["voc7" as "voc07"] })).rejects.toThrow(
    'scorePredictions: expected metrics.0 to be one of coco, voc07, voc12, imagenet-det, lvis, openimages, got "voc7". Did you mean "voc07"?',
  )
})

test("numbers of classes in text files are the names of a list beside them, else the truths' in order, and it is told", async () => {
  const images = file.images.map((one, i) => ({ ...one, file_name: ["one.jpg", "day/two.jpg"][i]! }))
  const gt = folder({ "truths.json": JSON.stringify({ ...file, images }) })("truths.json")
  const boxes = [`${50 / 640} ${50 / 480} ${100 / 640} ${100 / 480} 0.9\n`]
  boxes.push(`${350 / 640} ${30 / 480} ${100 / 640} ${60 / 480} 0.7\n`)
  const yolo = (first: number, second: number) => ({
    "labels/one.txt": `${first} ${boxes[0]}`,
    "labels/day/two.txt": `${second} ${boxes[1]}`,
  })
  const pixels = { "labels/one.txt": "2 0.9 0 0 100 100\n", "labels/day/two.txt": "class 2 0.7 300 0 400 60\n" }
  const listed = "class 3\nclass 2\nclass 1\n"
  const settings = "train: images\nnames: [class 3, class 2, class 1]\n"
  const record = {
    classes: ["class 3", "class 2", "class 1"],
    categoryIds: [3, 2, 1],
    formats: ["yolo"],
    finished: true,
  }
  const expected = await scorePredictions({ gt, predictions: saved("results.json") })
  for (const [files, told] of [
    [
      { ...yolo(0, 1), "detect.json": "{}", "a.yaml": settings, "b.yaml": settings },
      "read as the ground truth's classes",
    ],
    [
      yolo(0, 1),
      "read as the ground truth's classes in their order: 0 = class 1, 1 = class 2, 2 = class 3; a classes.txt",
    ],
    [{ ...yolo(2, 1), "labels/classes.txt": listed }, "read as the names in "],
    [{ ...yolo(2, 1), "classes.txt": listed }, "read as the names in "],
    [{ ...yolo(2, 1), "data.yaml": settings }, "data.yaml"],
    [{ ...yolo(2, 1), "detect.json": JSON.stringify(record) }, "read as the names in "],
    [{ ...pixels, "classes.txt": listed }, "classes.txt"],
  ] as const) {
    const lines: string[] = []
    const predictions = folder(files)("labels")
    const report = await scorePredictions({ gt, predictions }, { onLog: (line) => lines.push(line) })
    expect(report.coco, JSON.stringify(files)).toEqual(expected.coco)
    expect(lines.join("\n")).toContain(told)
  }
})

test("VOC result files and YOLO text files give the numbers of the COCO file", async () => {
  const voc = folder({
    "comp4_det_test_class 1.txt": "image 1 0.9 1 1 100 100\n".replace("image 1", "one"),
    "comp4_det_test_class 2.txt": "two 0.7 301 1 400 60\n",
  })
  const yolo = folder({
    "one.txt": `0 ${50 / 640} ${50 / 480} ${100 / 640} ${100 / 480} 0.9\n`,
    "two.txt": `1 ${350 / 640} ${30 / 480} ${100 / 640} ${60 / 480} 0.7\n`,
  })
  const named = { ...file, images: file.images.map((one, i) => ({ ...one, file_name: ["one.jpg", "two.jpg"][i]! })) }
  const gt = folder({ "truths.json": JSON.stringify(named) })("truths.json")
  const expected = await scorePredictions({ gt, predictions: saved("results.json") })
  for (const predictions of [voc(), yolo()]) {
    const report = await scorePredictions({ gt, predictions })
    expect(report.coco.AP).toBeCloseTo(expected.coco.AP, 12)
    expect(report.voc[0]!.voc12).toBe(expected.voc[0]!.voc12)
  }
})

test("the file of an image called classes or labels counts, a list of names does not", async () => {
  const images = file.images.map((one, i) => ({ ...one, file_name: ["classes.jpg", "labels.jpg"][i]! }))
  const truths = JSON.stringify({ ...file, images })
  const pixels = { "classes.txt": "class 1 0.9 0 0 100 100\n", "labels.txt": "class 2 0.7 300 0 400 60\n" }
  const yolo = {
    "classes.txt": `0 ${50 / 640} ${50 / 480} ${100 / 640} ${100 / 480} 9e-1\n`,
    "labels.txt": `1 ${350 / 640} ${30 / 480} ${100 / 640} ${60 / 480} 0.7\n`,
  }
  const { coco } = await scorePredictions({ gt: saved("truths.json"), predictions: saved("results.json") })
  for (const files of [pixels, yolo]) {
    const at = folder({ "truths.json": truths, ...writtenTo("labels", files) })
    const report = await scorePredictions({ gt: at("truths.json"), predictions: at("labels") })
    expect(report.detections).toBe(2)
    expect(report.coco.AP).toBeCloseTo(coco.AP, 12)
  }
  const gt = folder({ "classes.txt": "class 1 0 0 100 100\n", "labels.txt": "class 1\nclass 2 b\n" })()
  const predictions = folder({ "classes.txt": pixels["classes.txt"] })()
  expect(await scorePredictions({ gt, predictions })).toMatchObject({ images: 1, truths: 1, detections: 1 })
})

test("the ground truth may be a data set's folder, of which one split counts", async () => {
  const gt = tempFolder()
  writeVocSample(gt, vocObject("a", [1, 1, 20, 20]), { "ImageSets/Main/val.txt": "a\n" })
  const predictions = folder({ "comp3_det_val_a.txt": "a 0.9 1 1 20 12\n" })()
  const report = await scorePredictions({ gt, split: "val", predictions })
  expect([report.voc[0]!.voc12, report.coco.AP50]).toEqual([1, expect.closeTo(1, 12)])
  await expect(scorePredictions({ gt, split: "test", predictions })).rejects.toThrow(/split "test"/)
})

test("files that are missing or of no known format are the user's mistake, in one line", async () => {
  const gt = saved("truths.json")
  const failing = [
    [{ gt: "/nowhere/t.json", predictions: "x" }, "/nowhere/t.json: expected a readable file, got ENOENT"],
    [{ gt, predictions: "/nowhere" }, "/nowhere: expected a file or folder, got ENOENT"],
    [{ gt, predictions: folder({ "a.md": "" })() }, "expected VOC's comp4_det_<set>_<class>.txt, or one <image>.txt"],
    [{ gt: folder({ "a.md": "" })(), predictions: "x" }, "No data set recognised in"],
    [{ gt: saved("results.json"), predictions: "x" }, "expected an object with the lists"],
    [{ gt, predictions: gt }, "expected a list of detections (COCO's results format)"],
  ] as const
  for (const [options, message] of failing) {
    const error = await scorePredictions(options).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ message: expect.stringContaining(message) })
    expect((error as Error).message).not.toContain("\n")
  }
})

describe("formatReport", () => {
  const golden = JSON.parse(readFileSync(new URL("../golden/eval/coco-random.json", import.meta.url), "utf8")) as {
    cases: { seed: number; truths: PlainFile; results: PlainResult[]; printed: string[] }[]
  }

  const withoutIdZero = golden.cases.filter(({ truths }) => truths.annotations.every(({ id }) => id !== 0))

  test.each(withoutIdZero)("random case $seed: the 12 lines are those pycocotools prints", async (one) => {
    const files = folder({ "t.json": JSON.stringify(one.truths), "r.json": JSON.stringify(one.results) })
    const { coco } = await scorePredictions({ gt: files("t.json"), predictions: files("r.json") })
    expect(formatSummary(coco).split("\n")).toEqual(one.printed)
  })

  test("exact halves go to the even digit, as Python prints them", async () => {
    const { coco } = await scorePredictions({ gt: saved("truths.json"), predictions: saved("results.json") })
    const lines = formatSummary({ ...coco, AP: 0.0625, AP50: 0.1875, AP75: 0.0005 }).split("\n")
    expect(lines.slice(0, 3).map((line) => line.slice(-5))).toEqual(["0.062", "0.188", "0.001"])
  })

  test("the text names confused classes and the worst images", async () => {
    const confused = [results[0]!, { ...results[1]!, category_id: 3 }, { ...results[1]!, image_id: 1, score: 0.2 }]
    const predictions = folder({ "r.json": JSON.stringify(confused) })("r.json")
    const text = formatReport(await scorePredictions({ gt: saved("truths.json"), predictions, score: 0.25 }))
    expect(text).toContain(
      "Most confused, from score 0.250 on, IoU 0.5 (whole matrix: --json):\n  class 2 taken for class 3: 1\n",
    )
    expect(text).toContain("Worst images:\n  image 2: F1 0.0 (0 right, 1 wrong, 1 missed)\n\n")
  })

  test("the text has the summary, the classes, the errors and the diagnosis", async () => {
    const text = formatReport(await scorePredictions({ gt: saved("truths.json"), predictions: saved("results.json") }))
    expect(text).toContain("2 images, 2 ground-truth boxes, 2 detections\n")
    expect(text).toContain(" Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.650\n")
    expect(text).toContain("VOC2012 (all points) mAP 100.0  (IoU 0.5)")
    expect(text).toMatch(/class 2 +1 +1 +30.0 +100.0 +0.0 +30.0 +100.0 +100.0 +0.700\n/)
    expect(text).toMatch(/class 3 +0 +0 +n\/a +n\/a/)
    expect(text).toContain("Best score threshold 0.700: precision 100.0, recall 100.0, F1 100.0")
    expect(text).toMatch(/missed +0 +0.0\n/)
    expect(text).toContain("No image has an error.\n")
    expect(text).not.toContain("confused")
    expect(text).toContain("! APs is n/a: the ground truth has no small objects")
  })
})

test.skipIf(withoutSharedData)("the COCO API's sample is scored from its files", async () => {
  const report = await scorePredictions({
    gt: sharedData("eval-fixtures/cocoapi/instances_val2014_100.json"),
    predictions: sharedData("eval-fixtures/cocoapi/instances_val2014_fakebbox100_results.json"),
  })
  expect(report).toMatchObject({ images: 100, truths: 839, ignored: 9, detections: 734, diagnosis: [] })
  expect(report.coco.AP).toBeCloseTo(0.5045806987249628, 12)
})

describe("--report", () => {
  const photo = { data: new Uint8Array(3 * 400 * 100).fill(120), width: 400, height: 100 }
  const truths = saved("truths.json")
  const predictions = saved("results.json")

  test("writes a page with the photos that are there, and says how many are not", async () => {
    const images = tempFolder()
    const [name] = file.images.map(({ file_name }) => file_name!)
    await saveImage(join(images, name!), photo)
    const path = join(images, "page.html")
    const lines: string[] = []
    await scorePredictions({ gt: truths, predictions, images, report: path }, { onLog: (line) => lines.push(line) })
    const page = readFileSync(path, "utf8")
    expect(page.match(/data:image\/jpeg/g)).toHaveLength(1)
    expect(page).toContain(`${name}: F1 100.0: 1 right, 0 wrong, 0 missed`)
    expect(lines.at(-1)).toBe(
      `${path}: the report; 1 of 2 photos were not found or could not be read: their pictures are left out`,
    )
  })

  test("needs the details, and a place that can be written", async () => {
    const folder = tempFolder()
    const given = { gt: truths, predictions }
    await expect(scorePredictions({ ...given, details: false, report: join(folder, "a.html") })).rejects.toThrow(
      "--report shows the details: leave out --no-details",
    )
    writeFileSync(join(folder, "file"), "")
    await expect(scorePredictions({ ...given, report: join(folder, "file", "a.html") })).rejects.toThrow(
      "cannot be written",
    )
    expect(readdirSync(folder)).toEqual(["file"])
  })
})
