import { readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { readDataset } from "../../datasets/read.js"
import { decodePixels } from "../../src/predict/images.js"
import { checkDataset } from "../../src/tasks/check-dataset.js"
import { detectWith } from "../../src/tasks/detect-folder.js"
import { scorePredictions } from "../../src/tasks/score-predictions.js"
import { png, tempFolder, writeFiles } from "../datasets/samples.js"
import { dummyDetector } from "../support/dummy-detector.js"

const parts = {
  openNetwork: async () => dummyDetector(),
  decode: decodePixels,
  draw: async () => Buffer.alloc(0),
  encode: async () => Buffer.alloc(0),
}

/** Two photos of one name in two folders, and one that cannot be read. */
async function detect(options: object) {
  const folder = tempFolder()
  writeFiles(folder, { "photos/a.png": png(8, 6), "photos/sub/a.png": png(4, 2), "photos/broken.png": "no image" })
  const places = { weights: "w", source: join(folder, "photos"), out: join(folder, "out"), draw: false }
  return { out: places.out, result: await detectWith(parts, { ...places, ...options }) }
}

test.each(["voc", "yolo", "coco"] as const)(
  "--labels %s is a data set without a fault, of what was found",
  async (labels) => {
    const { out, result } = await detect({ labels, score: 0.5 })
    expect(result).toMatchObject({ labels: join(out, "dataset"), skipped: 1 })
    expect(await checkDataset({ data: join(out, "dataset") })).toMatchObject({ faults: [], empty: [] })
    const { images, classes } = await readDataset(join(out, "dataset"), { split: "train" })
    const found = images.map(({ width, height, boxes, labels: own }) => [
      width,
      height,
      [...boxes],
      classes[own[0]! - 1],
    ])
    expect(found).toHaveLength(2)
    expect(found).toEqual(
      expect.arrayContaining([
        [8, 6, [0, 0, 8, 6], "dog"],
        [4, 2, [0, 0, 4, 2], "dog"],
      ]),
    )
  },
)

test.each(["voc", "yolo", "coco"] as const)("--labels %s is found again by what was found", async (labels) => {
  const folder = tempFolder()
  const names = ["1.png", "a_1.png", "a/1.png", "b/1.png", "e.png", "e.jpg"]
  writeFiles(folder, Object.fromEntries(names.map((name, i) => [`photos/${name}`, png(8 + i, 6)])))
  const out = join(folder, "out")
  const format = ["voc", "csv", "yolo"] as const
  await detectWith(parts, {
    weights: "w",
    source: join(folder, "photos"),
    out,
    draw: false,
    labels,
    format: [...format],
  })
  for (const results of ["", "voc", "detections.csv", "labels"]) {
    const given = { gt: join(out, "dataset"), split: "train", predictions: join(out, results) }
    const { images, detections, coco } = await scorePredictions(given)
    expect([images, detections, coco.AP]).toEqual([6, 6, expect.closeTo(1, 12)])
  }
})

test("--below copies the images with a detection below it, and those without any", async () => {
  const unsure = async (options: object) => {
    const { out, result } = await detect({ ...options, below: 0.5 })
    const files = result.unsure!.images === 0 ? [] : readdirSync(join(out, "unsure"), { recursive: true })
    return files
      .map(String)
      .filter((name) => name.endsWith(".png"))
      .sort()
  }
  expect(await unsure({ score: 0 })).toEqual(["a.png", "sub/a.png"])
  expect(await unsure({ score: 0.5 })).toEqual([])
  expect(await unsure({ score: 0.8 })).toEqual(["a.png", "sub/a.png"])
})

test("images that are no files cannot be copied", async () => {
  const options = { weights: "w", source: "-", labels: "voc" } as const
  await expect(detectWith(parts, options)).rejects.toThrow(
    /^--labels and --below copy images: expected --source to be a folder/,
  )
})

test("a run that goes on when all is done leaves its labels as somebody has corrected them", async () => {
  const { out } = await detect({ labels: "yolo" })
  writeFiles(out, { "dataset/corrected.txt": "mine" })
  const source = join(out, "..", "photos")
  await detectWith(parts, { weights: "w", source, out, draw: false, labels: "yolo", resume: true })
  expect(readdirSync(join(out, "dataset"))).toContain("corrected.txt")
})
