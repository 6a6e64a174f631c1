import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { unzipSync } from "fflate"
import { list } from "tar"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { RgbImage } from "../../datasets/image/rgb.js"
import type { Detection } from "../../src/predict/detection.js"
import type { Submission } from "../../src/predict/submissions.js"
import { detectWith } from "../../src/tasks/detect-folder.js"
import { decodeDummy, dummyDetector } from "../support/dummy-detector.js"

let folder = ""
const photos = { "2008_000001.jpg": "8x6", "2008_000002.jpg": "4x2", "2008_000003.jpg": "7x9" }
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-submissions-"))
  mkdirSync(join(folder, "test2012"))
  for (const [name, size] of Object.entries(photos)) writeFileSync(join(folder, "test2012", name), size)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A dog that fills the photo in each, a cat in its first pixel; in the second photo nothing. */
function pets() {
  const pets = dummyDetector()
  const nothing = { boxes: new Float32Array(), scores: new Float32Array(), labels: new Int32Array() }
  const detect = async (image: RgbImage, options: { score?: number }) =>
    image.width === 4 ? nothing : dummyDetector().detect(image, options)
  return { ...pets, categoryIds: [17, 18], detect }
}

/** The file to upload, and what was found in each photo by its name. */
async function submit(submission: Submission, options: object = {}) {
  const text = ({ width, height }: RgbImage) => Buffer.from(`${width}x${height}`)
  const parts = {
    ...{ openNetwork: async () => pets(), decode: decodeDummy, encode: async (pixels: RgbImage) => text(pixels) },
    draw: async (pixels: RgbImage) => text(pixels),
  }
  const out = join(folder, "out")
  const places = { weights: "w", source: join(folder, "test2012"), out, draw: false, score: 0 }
  const summary = await detectWith(parts, { ...places, submission, ...options })
  const lines = readFileSync(join(out, "detections.jsonl"), "utf8").trim().split("\n")
  const found = lines.map((line) => JSON.parse(line) as { image: string; detections: Detection[] })
  return { file: summary.submission!, found }
}

/** VOC's, and DET's, corners: pixels counted from 1, the last one inside. */
const fromOne = ([x1, y1, x2, y2]: Detection["box"]) => [x1 + 1, y1 + 1, x2, y2]

test("VOC's tar has a file for every class, with a line of each detection: image, score, corners from 1", async () => {
  const { file, found } = await submit("voc")
  const texts: Record<string, string> = {}
  await list({
    file,
    onReadEntry(entry) {
      expect(entry.type).toBe("File")
      texts[entry.path] = ""
      entry.on("data", (chunk: Buffer) => {
        texts[entry.path] += chunk.toString()
      })
    },
  })
  const expected = ["cat", "dog"].map((name) => {
    const lines = found.flatMap(({ image, detections }) =>
      detections
        .filter(({ label }) => label === name)
        .map(({ score, box }) => `${image.replace(".jpg", "")} ${[score, ...fromOne(box)].join(" ")}\n`),
    )
    return [`results/VOC2012/Main/comp4_det_test_${name}.txt`, lines.join("")]
  })
  expect(texts).toEqual(Object.fromEntries(expected))
  expect(texts["results/VOC2012/Main/comp4_det_test_dog.txt"]).toBe(
    "2008_000001 0.75 1 1 8 6\n2008_000003 0.75 1 1 7 9\n",
  )
})

test("a class that was never found has an empty file in VOC's tar", async () => {
  const { file } = await submit("voc", { score: 0.5 })
  const sizes: Record<string, number> = {}
  await list({
    file,
    onReadEntry({ path, size }) {
      sizes[basename(path)] = size
    },
  })
  expect(sizes["comp4_det_test_cat.txt"]).toBe(0)
  expect(sizes["comp4_det_test_dog.txt"]).toBeGreaterThan(0)
})

test("COCO's zip has one file of the test set's name, with the ground truth's image ids and the detector's category ids", async () => {
  const gt = join(folder, "image_info_test-dev2017.json")
  const images = Object.keys(photos).map((file_name, at) => ({ id: 90 + at, file_name, width: 8, height: 6 }))
  const categories = [
    { id: 17, name: "cat" },
    { id: 18, name: "dog" },
  ]
  writeFileSync(gt, JSON.stringify({ images, categories, annotations: [] }))
  const { file, found } = await submit("coco", { gt })
  const name = "detections_test-dev2017_resdet_results"
  expect(basename(file)).toBe(`${name}.zip`)
  const unzipped = unzipSync(readFileSync(file))
  expect(Object.keys(unzipped)).toEqual([`${name}.json`])
  const results = JSON.parse(Buffer.from(unzipped[`${name}.json`]!).toString())
  expect(results).toEqual(
    found.flatMap(({ image, detections }) =>
      detections.map(({ label, score, box: [x1, y1, x2, y2] }) => ({
        image_id: images.find(({ file_name }) => file_name === image)!.id,
        category_id: categories.find((one) => one.name === label)!.id,
        ...{ bbox: [x1, y1, x2 - x1, y2 - y1], score },
      })),
    ),
  )
  expect(results[0]).toEqual({ image_id: 90, category_id: 18, bbox: [0, 0, 8, 6], score: 0.75 })
})

test("DET's file has a line of each detection: image, class, score, corners from 1", async () => {
  const { file, found } = await submit("imagenet-det")
  expect(basename(file)).toBe("imagenet_det.txt")
  const lines = found.flatMap(({ detections }, at) =>
    detections.map(({ classId, score, box }) => `${[at + 1, 16 + classId, score, ...fromOne(box)].join(" ")}\n`),
  )
  expect(readFileSync(file, "utf8")).toBe(lines.join(""))
  expect(lines[0]).toBe("1 18 0.75 1 1 8 6\n")
})

test("nothing but the result files of the format is packed", async () => {
  await submit("voc", { format: ["coco"] })
  expect(readdirSync(join(folder, "out")).sort()).toEqual(
    expect.arrayContaining(["coco_results.json", "results.tgz", "voc"]),
  )
  expect(readdirSync(join(folder, "out")).some((name) => name.endsWith(".zip"))).toBe(false)
})

test("a shard is no whole run: it is not packed", async () => {
  await expect(submit("voc", { shard: "1/2" })).rejects.toThrow(
    "--submission packs a whole run: merge the shards with --submission instead",
  )
})
