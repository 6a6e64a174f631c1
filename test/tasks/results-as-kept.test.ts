import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test, vi } from "vitest"
import { type DetectParts, detectWith } from "../../src/tasks/detect-folder.js"
import { scorePredictions } from "../../src/tasks/score-predictions.js"
import { png, tempFolder, vocObject, writeFiles, writeVocSample } from "../datasets/samples.js"
import { type PlainResult, result, truthFile } from "../eval/support/cases.js"

/** Writes files into a new folder and gives its path. */
function folder(files: Readonly<Record<string, string>>): string {
  const path = tempFolder()
  writeFiles(path, files)
  return path
}

const names = ["night/cam 1.jpg", "day/000042.jpg"]
const base = truthFile([{ box: [0, 0, 100, 100] }, { box: [300, 0, 100, 100], image: 2, category: 2 }], 2, 2)
const truths = { ...base, images: base.images.map((image, i) => ({ ...image, file_name: names[i]! })) }
const results = [result([0, 0, 100, 100], 0.9), result([300, 0, 100, 60], 0.7, 2, 2)]
const spelt = (change: (record: PlainResult) => object) => JSON.stringify(results.map(change))
const lines = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join("")
const expected = 0.65

const score = async (gt: string, predictions: string, more: object = {}, told: string[] = []) =>
  scorePredictions({ gt, predictions, ...more }, { onLog: (line) => told.push(line) })

const own = (record: PlainResult) => {
  const [x, y, w, h] = record.bbox as [number, number, number, number]
  const label = `class ${record.category_id}`
  return {
    image: names[record.image_id - 1],
    detections: [{ label, classId: record.category_id, score: record.score, box: [x, y, x + w, y + h] }],
  }
}

test.each([
  ["under annotations", JSON.stringify({ info: {}, images: [], annotations: results })],
  ["under predictions", JSON.stringify({ predictions: results })],
  ["JSON lines", lines(results)],
  ["detections.jsonl of detect", lines(results.map(own))],
  ["image ids as text", spelt((one) => ({ ...one, image_id: String(one.image_id) }))],
  ["images by stem", spelt((one) => ({ ...one, image_id: ["cam 1", "000042"][one.image_id - 1] }))],
  ["images by path", spelt((one) => ({ ...one, image_id: names[one.image_id - 1] }))],
  ["categories by name", spelt((one) => ({ ...one, category_id: `class ${one.category_id}` }))],
  ["category ids as text", spelt((one) => ({ ...one, category_id: String(one.category_id) }))],
])("results kept %s are those of the plain list", async (_, text) => {
  const at = folder({ "gt.json": JSON.stringify(truths), "p.json": text })
  expect((await score(join(at, "gt.json"), join(at, "p.json"))).coco.AP).toBeCloseTo(expected, 12)
})

test.each([
  ["texts", (id: number) => JSON.stringify(`frame-${id}`)],
  ["numbers as text", (id: number) => JSON.stringify(String(id))],
  ["beyond 2^53", (id: number) => `900719925474099${id}`],
])("image ids that are %s are matched exactly, and named as they are", async (_, spell) => {
  const ids = (text: string) =>
    text.replaceAll(/"(image_id|id)":(\d)(?=[,}])/g, (_, key, id) => `"${key}":${spell(Number(id))}`)
  const { categories, ...rest } = truths
  const gt = `${ids(JSON.stringify(rest)).slice(0, -1)},"categories":${JSON.stringify(categories)}}`
  const at = folder({ "gt.json": gt, "p.json": ids(JSON.stringify(results)) })
  const report = await score(join(at, "gt.json"), join(at, "p.json"))
  expect(report.coco.AP).toBeCloseTo(expected, 12)
  expect(report.worstImages!.map(({ imageId }) => String(imageId)).sort()).toEqual(
    [1, 2].map((id) => spell(id).replaceAll('"', "")),
  )
})

test("an image that two could be is refused, with both", async () => {
  const alike = { ...truths, images: truths.images.map((image, i) => ({ ...image, file_name: `cam${i}/1.jpg` })) }
  const at = folder({ "gt.json": JSON.stringify(alike), "r/comp4_det_val_class 1.txt": "1 0.9 1 1 100 100\n" })
  await expect(score(join(at, "gt.json"), join(at, "r"))).rejects.toThrow('line 1: "1" may be cam0/1.jpg or cam1/1.jpg')
})

test("numbers mean the numbers in names where the data have no ids, and never positions", async () => {
  const gt = tempFolder()
  writeVocSample(gt, vocObject("cat", [1, 1, 20, 20]), { "ImageSets/Main/val.txt": "a\n" })
  writeFiles(gt, { "JPEGImages/000042.jpg": png(40, 30) })
  const xml = vocObject("cat", [1, 1, 20, 20])
  writeFiles(gt, {
    "Annotations/000042.xml": `<annotation><size><width>40</width><height>30</height></size>${xml}</annotation>`,
  })
  writeFiles(gt, { "ImageSets/Main/val.txt": "000042\n" })
  const of = (id: number) => folder({ "p.json": JSON.stringify([{ ...result([0, 0, 20, 20], 0.9), image_id: id }]) })
  expect((await score(gt, join(of(42), "p.json"))).coco.AP).toBeCloseTo(1, 12)
  await expect(score(gt, join(of(1), "p.json"))).rejects.toThrow("have no ids: write their names")
})

test("a COCO folder scores as its file, whether its pictures are there or not", async () => {
  const outside = {
    ...truths,
    annotations: [...truths.annotations, { ...truths.annotations[0]!, id: 9, bbox: [600, 400, 200, 0] }],
  }
  const at = folder({
    "annotations/instances_val2017.json": JSON.stringify(outside),
    "p.json": JSON.stringify(results),
  })
  const byFile = await score(join(at, "annotations/instances_val2017.json"), join(at, "p.json"))
  const byFolder = await score(at, join(at, "p.json"))
  expect([byFolder.coco, byFolder.truths]).toEqual([byFile.coco, 3])
})

test("the image set is what all of VOC's result files share", async () => {
  const gt = {
    ...truths,
    categories: [
      { id: 1, name: "cat" },
      { id: 2, name: "fat_cat" },
    ],
  }
  const files = {
    "r/comp4_det_my_test_cat.txt": "cam 1 0.9 1 1 100 100\n",
    "r/comp4_det_my_test_fat_cat.txt": "000042 0.7 301 1 400 60\n",
    "r/comp4_det_my_test_old_cat.txt": "000042 0.7 301 1 400 60\n",
  }
  const at = folder({ "gt.json": JSON.stringify(gt), ...files })
  const report = await score(join(at, "gt.json"), join(at, "r"))
  expect(report.coco.AP).toBeCloseTo(expected, 12)
  expect(report.diagnosis[0]!.message).toContain("the ground truth lacks: old_cat")
})

test("text files in pixels are read by what their numbers can be, which is told and can be said", async () => {
  const corners = { "cam 1.txt": "class 1 0.9 0 0 100 100\n", "000042.txt": "class 2 0.7 300 0 400 60\n" }
  const sizes = { "cam 1.txt": "class 1 0.9 0 0 100 100\n", "000042.txt": "class 2 0.7 300 0 100 60\n" }
  const gt = join(folder({ "gt.json": JSON.stringify(truths) }), "gt.json")
  const told: string[] = []
  expect((await score(gt, folder(corners), {}, told)).coco.AP).toBeCloseTo(expected, 12)
  expect((await score(gt, folder(sizes), {}, told)).coco.AP).toBeCloseTo(expected, 12)
  expect(told.map((line) => /read as (\w+); --boxes/.exec(line)?.[1])).toEqual(["xyxy", "xywh"])
  expect((await score(gt, folder(corners), { boxes: "xywh" })).coco.AP).toBeLessThan(expected)
  const asText = folder({ "cam 1.txt": "class 1 0 0 100 100\n", "000042.txt": "class 2 300 0 400 100 difficult\n" })
  expect(await score(asText, folder(corners))).toMatchObject({ truths: 2, ignored: 1 })
})

test("the folder that detect wrote is scored as it is, and what was read is told", async () => {
  const at = folder({
    "gt.json": JSON.stringify(truths),
    "out/detections.jsonl": lines(results.map(own)),
    "out/other/x": "",
  })
  const told: string[] = []
  expect((await score(join(at, "gt.json"), join(at, "out"), {}, told)).coco.AP).toBeCloseTo(expected, 12)
  expect(told.join()).toContain("reading detections.jsonl")
})

test("category ids of detect's results mean its own classes, not those of the ground truth with these ids", async () => {
  const recorded = (classes: readonly string[]) =>
    JSON.stringify({ classes, categoryIds: [1, 2], formats: ["coco"], finished: true })
  const at = folder({
    "gt.json": JSON.stringify(truths),
    "swapped/coco_results.json": JSON.stringify(results.map((one) => ({ ...one, category_id: 3 - one.category_id }))),
    "swapped/detect.json": recorded(["class 2", "class 1"]),
    "other/coco_results.json": JSON.stringify(results),
    "other/detect.json": recorded(["object", "class 2"]),
  })
  const swapped = await score(join(at, "gt.json"), join(at, "swapped/coco_results.json"))
  expect(swapped.coco.AP).toBeCloseTo(expected, 12)
  const { diagnosis } = await score(join(at, "gt.json"), join(at, "other/coco_results.json"))
  expect(diagnosis[0]!.message).toContain("1 of 2 detections have a category that the ground truth lacks: object")
})

test("what the corners of a folder mean can be said where saved results are scored", async () => {
  const gt = tempFolder()
  writeVocSample(gt, vocObject("cat", [1, 1, 20, 20]), { "ImageSets/Main/val.txt": "a\n" })
  const predictions = folder({ "p.json": JSON.stringify([{ ...result([0, 0, 20, 20], 0.9), image_id: "a" }]) })
  const at = async (corners: object) =>
    (await score(gt, join(predictions, "p.json"), { iouThrs: [0.99], ...corners })).coco.AP
  expect(await at({})).toBeCloseTo(1, 12)
  expect(await at({ corners: "zero-based" })).toBe(0)
})

test("a folder counted from 0 and its result files agree, by VOC's overlaps too", async () => {
  const gt = tempFolder()
  const xml = (box: string) => `<annotation><size><width>40</width><height>30</height></size>${box}</annotation>`
  const box = (name: string, [a, b, c, d]: readonly number[]) =>
    `<object><name>${name}</name><bndbox><xmin>${a}</xmin><ymin>${b}</ymin><xmax>${c}</xmax><ymax>${d}</ymax></bndbox></object>`
  for (const name of ["a", "b"]) {
    writeFiles(gt, {
      [`JPEGImages/${name}.png`]: png(40, 30),
      [`Annotations/${name}.xml`]: xml(box("cat", [0, 0, 9, 9])),
    })
  }
  writeFiles(gt, { "ImageSets/Main/val.txt": "a\nb\n" })
  const predictions = folder({ "comp4_det_val_cat.txt": "a 0.9 0 0 9 9\nb 0.8 0 0 9 9\n" })
  const report = await score(gt, predictions, { iouThrs: [0.99], vocIou: [0.99] })
  expect([report.coco.AP, report.voc[0]!.voc12]).toEqual([expect.closeTo(1, 12), 1])
})

/** What `detect --format coco` writes for three images that lie in a folder. */
async function detected(at: string, more: object, onDecode = () => {}) {
  const told: string[] = []
  const detect = async () => ({
    boxes: Float32Array.of(0, 0, 9, 9),
    scores: Float32Array.of(0.9),
    labels: Int32Array.of(1),
  })
  const network = { classes: ["class 1"], detect, dispose: () => {} }
  const pixels = { data: new Uint8Array(300), width: 10, height: 10 }
  const parts = {
    openNetwork: async () => network,
    decode: async () => {
      onDecode()
      return pixels
    },
    draw: async () => new Uint8Array(),
    encode: async () => new Uint8Array(),
  } as unknown as DetectParts
  const out = join(tempFolder(), "out")
  const options = { weights: "w", source: join(at, "images"), out, format: ["coco"], draw: false, ...more }
  await detectWith(parts, options, { onLog: (line) => told.push(line) })
  const written = JSON.parse(readFileSync(join(out, "coco_results.json"), "utf8")) as { image_id: number | string }[]
  return { out, ids: written.map(({ image_id }) => image_id).sort(), told: told.join("\n") }
}

test("what detect writes with the ids of a ground truth or of a data set is matched with it", async () => {
  const images = { "images/cam 1.jpg": "", "images/000042.jpg": "", "images/other 9.jpg": "" }
  const at = folder({
    "annotations/instances_test.json": JSON.stringify(truths),
    "gt.json": JSON.stringify(truths),
    ...images,
  })
  for (const given of [{ gt: join(at, "gt.json") }, { gt: at, split: "test" }, { data: at, split: "test" }]) {
    const { ids, told } = await detected(at, given)
    expect(ids).toEqual([1, 2])
    expect(told).toContain("image ids are those of the ground truth; 1 images that it lacks are left out")
  }
  await expect(detected(at, { gt: "a", data: "b" })).rejects.toThrow("give one of them")
})

test("what detect made against a ground truth is scored on it without other images; another split is refused", async () => {
  const val = { ...truths, images: truths.images.slice(1), annotations: truths.annotations.slice(1) }
  const at = folder({
    "annotations/instances_test.json": JSON.stringify(truths),
    "annotations/instances_val.json": JSON.stringify(val),
    ...{ "images/cam 1.jpg": "", "images/000042.jpg": "", "images/other 9.jpg": "" },
  })
  const { out } = await detected(at, { gt: at, split: "test" })
  const told: string[] = []
  const whole = await score(at, out, { split: "test" }, told)
  expect(whole.coco).toEqual((await score(at, join(out, "coco_results.json"), { split: "test" })).coco)
  expect(told.join("\n")).toContain("detections.jsonl: 1 images that the ground truth lacks are left out")
  await expect(score(at, out, { split: "val" })).rejects.toThrow("is not among the 1 images of the ground truth")
  await expect(score(at, (await detected(at, {})).out, { split: "test" })).rejects.toThrow('image_id "other 9.jpg"')
  const { out: byFile } = await detected(at, { gt: join(at, "annotations/instances_test.json"), split: "test" })
  expect((await score(join(at, "annotations/instances_test.json"), byFile)).coco).toEqual(whole.coco)
})

test("of data without ids detect writes the names, and they are matched with it", async () => {
  const at = tempFolder()
  writeVocSample(at, vocObject("class 1", [1, 1, 9, 9]), { "ImageSets/Main/test.txt": "a\n", "images/a.png": "" })
  const { ids, told, out } = await detected(at, { data: at, split: "test" })
  expect([ids, told]).toEqual([["a"], expect.stringContaining("image ids are the names in the ground truth")])
  expect((await score(at, join(out, "coco_results.json"), { split: "test" })).coco.AP).toBeCloseTo(1, 12)
})

test("two photos of one name in the ground truth are refused, also before detect looks at them", async () => {
  const at = folder({
    "gt.json": JSON.stringify({
      ...truths,
      images: truths.images.map((one, i) => ({ ...one, file_name: `${i}.jpg` })),
    }),
    "images/train/0.jpg": "",
    "images/val/0.jpg": "",
  })
  const { out } = await detected(at, {})
  const both = '"train/0.jpg" and "val/0.jpg" would both be "0.jpg" of the ground truth'
  await expect(score(join(at, "gt.json"), out)).rejects.toThrow(`${join(out, "detections.jsonl")}: ${both}`)
  const onDecode = vi.fn()
  await expect(detected(at, { gt: join(at, "gt.json") }, onDecode)).rejects.toThrow(both)
  expect(onDecode).not.toHaveBeenCalled()
})
